"""The body of a posted report: JSON or a form."""

from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
from fastapi import Request
from hearback_kit.errors import BadRequest
from starlette.formparsers import MultiPartException, MultiPartParser

FIELDS_MAX: Final = 100


async def read_fields_body(request: Request) -> Any:
    """Return a body as data: a JSON value, or a form's fields as a dictionary (the last of a name wins)."""
    body = await request.body()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return _read_urlencoded(body)
    if kind == "multipart/form-data":
        return await _read_multipart(request, body)
    return parse_json(body)


def parse_json(body: bytes) -> Any:
    """Return a JSON value; raise BadRequest."""
    try:
        return orjson.loads(body)
    except ValueError as error:
        raise BadRequest(f"JSON parse error - {error}", code="invalid_json") from error


def _read_urlencoded(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            body.decode("utf-8", "replace"), keep_blank_values=True, errors="replace", max_num_fields=FIELDS_MAX
        )
    except ValueError as error:
        raise BadRequest(f"The form may have {FIELDS_MAX} fields at most.", code="invalid_form") from error
    return dict(pairs)


async def _read_multipart(request: Request, body: bytes) -> dict[str, str]:
    async def whole() -> AsyncIterator[bytes]:
        yield body
        yield b""

    try:
        parser = MultiPartParser(request.headers, whole(), max_files=0, max_fields=FIELDS_MAX)  # type: ignore[arg-type]
        form = await parser.parse()
    except (MultiPartException, KeyError, UnicodeDecodeError) as error:
        raise BadRequest("The multipart body could not be read.", code="invalid_form") from error
    return {name: value for name, value in form.items() if isinstance(value, str)}
