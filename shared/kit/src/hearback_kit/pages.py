"""Keyset pages with cursors and `Link` headers in the shape that Sentry's clients read."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson

from hearback_kit.errors import BadRequest


def encode_cursor(position: Sequence[Any], *, backward: bool = False) -> str:
    """A cursor that says where a page starts: the sort key of the row before it."""
    raw = orjson.dumps([1 if backward else 0, *position])
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode_cursor(cursor: str | None, length: int) -> tuple[list[Any], bool] | None:
    """The position (`length` values) and whether to read backward; None for no cursor.

    Raises BadRequest for what is not a cursor of ours.
    """
    if not cursor:
        return None
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        values = orjson.loads(raw)
    except (binascii.Error, ValueError) as error:
        raise BadRequest("Invalid cursor parameter.", code="invalid_cursor") from error
    if not isinstance(values, list) or len(values) != length + 1 or not all(map(_is_value, values)):
        raise BadRequest("Invalid cursor parameter.", code="invalid_cursor")
    if values[0] not in (0, 1):
        raise BadRequest("Invalid cursor parameter.", code="invalid_cursor")
    return values[1:], bool(values[0])


def link_header(
    url: str, query: str, *, previous: str | None, has_previous: bool, following: str | None, has_next: bool
) -> str:
    """The `Link` header: both relations, each with `results` and `cursor`."""
    kept = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != "cursor"]

    def link(relation: str, results: bool, cursor: str | None) -> str:
        target = f"{url}?{urlencode([*kept, ('cursor', cursor or '')])}"
        found = "true" if results else "false"
        return f'<{target}>; rel="{relation}"; results="{found}"; cursor="{cursor or ""}"'

    return ", ".join([link("previous", has_previous, previous), link("next", has_next, following)])


def _is_value(value: Any) -> bool:
    """Whether a database can take it: nothing nested, no NUL, no integer of more than 64 bits."""
    if isinstance(value, str):
        return "\x00" not in value
    if isinstance(value, int):
        return -(1 << 63) <= value < 1 << 63
    return value is None or isinstance(value, float)
