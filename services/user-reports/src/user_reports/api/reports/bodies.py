"""Request bodies: JSON and forms, never more than a bound."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl

import orjson
from fastapi import Request
from hearback_kit.errors import BadRequest, TooLarge
from starlette.formparsers import MultiPartException, MultiPartParser

FIELDS_MAX = 100


async def read_body(request: Request, bytes_max: int) -> bytes:
    """Return the whole body; raise TooLarge as soon as it passes the bound."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > bytes_max:
            raise TooLarge(f"The body may have {bytes_max} bytes at most.")
        parts.append(part)
    return b"".join(parts)


async def read_fields_body(request: Request, bytes_max: int) -> Any:
    """Return a body as data: a JSON value, or a form's fields as a dictionary (the last of a name wins)."""
    body = await read_body(request, bytes_max)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return _urlencoded(body)
    if kind == "multipart/form-data":
        return await _multipart(request, body)
    return parse_json(body)


def parse_json(body: bytes) -> Any:
    """Return a JSON value; raise BadRequest."""
    try:
        return orjson.loads(body)
    except ValueError as error:
        raise BadRequest(f"JSON parse error - {error}", code="parse_error") from error


def _urlencoded(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            body.decode("utf-8", "replace"), keep_blank_values=True, errors="replace", max_num_fields=FIELDS_MAX
        )
    except ValueError as error:
        raise BadRequest(f"The form may have {FIELDS_MAX} fields at most.", code="parse_error") from error
    return dict(pairs)


async def _multipart(request: Request, body: bytes) -> dict[str, str]:
    async def whole() -> AsyncIterator[bytes]:
        yield body
        yield b""

    try:
        parser = MultiPartParser(request.headers, whole(), max_files=0, max_fields=FIELDS_MAX)  # type: ignore[arg-type]
        form = await parser.parse()
    except (MultiPartException, KeyError, UnicodeDecodeError) as error:
        raise BadRequest("The multipart body could not be read.", code="parse_error") from error
    return {name: value for name, value in form.items() if isinstance(value, str)}
