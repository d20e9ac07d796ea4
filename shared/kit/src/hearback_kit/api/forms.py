"""Read the fields of a form, urlencoded or multipart; files are ignored."""

from collections.abc import AsyncGenerator
from typing import Final
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException, MultiPartParser

URLENCODED: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"


async def read_form(headers: Headers, body: bytes, *, fields_max: int) -> dict[str, str] | None:
    """Return the last value of each field; None if the content type is not a form's.

    Raise ValueError for a malformed form, or more than `fields_max` fields or files.
    """
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == URLENCODED:
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=fields_max))
    if kind != MULTIPART:
        return None
    try:
        return await _read_multipart(headers, body, fields_max)
    except (MultiPartException, LookupError) as error:  # an invalid boundary or unknown character set
        raise ValueError("the form cannot be read") from error


async def _read_multipart(headers: Headers, body: bytes, fields_max: int) -> dict[str, str]:
    async def once() -> AsyncGenerator[bytes, None]:
        yield body
        yield b""

    parser = MultiPartParser(
        headers, once(), max_files=fields_max, max_fields=fields_max, max_part_size=len(body) or 1
    )
    form = await parser.parse()
    fields = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    await form.close()
    return fields
