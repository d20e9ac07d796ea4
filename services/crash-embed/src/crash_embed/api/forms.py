"""Reading a form: bounded bytes, bounded fields, urlencoded or multipart; anything else is an empty form."""

from collections.abc import AsyncGenerator
from urllib.parse import parse_qsl

from python_multipart.exceptions import MultipartParseError
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from crash_embed.errors import too_large


async def read_form(request: Request, *, bytes_max: int, fields_max: int) -> dict[str, str]:
    """The fields, the last of each name; raises the refusal `too_large`."""
    body = await _read(request, bytes_max)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return await _parse_multipart(request.headers, body, fields_max)
    if kind == "application/x-www-form-urlencoded":
        return _parse_urlencoded(body, fields_max)
    return {}


async def _read(request: Request, bytes_max: int) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > bytes_max:
        raise too_large(bytes_max)
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > bytes_max:
                raise too_large(bytes_max)
            parts.append(part)
    except ClientDisconnect:
        return b""
    return b"".join(parts)


def _parse_urlencoded(body: bytes, fields_max: int) -> dict[str, str]:
    text = body.decode("utf-8", "replace")
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=fields_max))
    except ValueError:
        return {}


async def _parse_multipart(headers: Headers, body: bytes, fields_max: int) -> dict[str, str]:
    async def once() -> AsyncGenerator[bytes, None]:
        yield body
        yield b""

    parser = MultiPartParser(
        headers, once(), max_files=fields_max, max_fields=fields_max, max_part_size=len(body) or 1
    )
    try:
        form = await parser.parse()
    except (MultiPartException, MultipartParseError, KeyError, ValueError, LookupError):
        return {}
    fields = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    await form.close()
    return fields
