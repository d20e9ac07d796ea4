"""Read a form with bounded size and number of fields; an unreadable one is empty."""

from hearback_kit.api import forms
from hearback_kit.values.encodings import is_encoded
from starlette.requests import ClientDisconnect, Request

from crash_embed.errors import encoded_form, too_large


async def read_form(request: Request, *, bytes_max: int, fields_max: int) -> dict[str, str]:
    """Return the fields, the last value of each name; raise the refusal `encoded_form` or `too_large`."""
    if is_encoded(value for name, value in request.headers.raw if name == b"content-encoding"):
        raise encoded_form()
    body = await _read(request, bytes_max)
    try:
        return await forms.read_form(request.headers, body, fields_max=fields_max) or {}
    except ValueError:
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
