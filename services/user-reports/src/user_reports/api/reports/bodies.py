"""The body of a posted report: JSON or a form."""

from typing import Any, Final

import orjson
from fastapi import Request
from hearback_kit.api.forms import read_form
from hearback_kit.errors import BadRequest
from hearback_kit.values.lenient_json import read_leniently

FIELDS_MAX: Final = 100


async def read_fields_body(request: Request) -> Any:
    """Return a body as data: a JSON value, or a form's fields as a dictionary (the last of a name wins)."""
    body = await request.body()
    try:
        form = await read_form(request.headers, body, fields_max=FIELDS_MAX)
    except ValueError as error:
        detail = f"The form could not be read; it may have {FIELDS_MAX} fields at most."
        raise BadRequest(detail, code="invalid_form") from error
    return _read_json(body) if form is None else form


def _read_json(body: bytes) -> Any:
    """Return a JSON value, read as leniently as reports in envelopes; raise BadRequest."""
    try:
        return parse_json(body)
    except BadRequest:
        found = read_leniently(body)
        if found is None:
            raise
        return found


def parse_json(body: bytes) -> Any:
    """Return a JSON value; raise BadRequest."""
    try:
        return orjson.loads(body)
    except ValueError as error:
        raise BadRequest(f"JSON parse error - {error}", code="invalid_json") from error
