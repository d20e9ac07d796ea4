"""Moved to `hearback_kit.api.paging` and `hearback_kit.api.links`."""

from typing import Any

from hearback_kit.api import links, paging
from hearback_kit.api.paging import encode_cursor

__all__ = ["decode_cursor", "encode_cursor", "link_header"]


def decode_cursor(cursor: str | None, length: int) -> tuple[list[Any], bool] | None:
    """Return the position of a cursor with `length` values, None without one; raise BadRequest."""
    if not cursor:
        return None
    values, backward = paging.decode_cursor(cursor, [_any] * length)
    return [None if value is _NULL else value for value in values], backward


def link_header(
    url: str, query: str, *, previous: str | None, has_previous: bool, following: str | None, has_next: bool
) -> str:
    """Return `links.link_header`."""
    return links.link_header(
        url, query, previous=previous, has_previous=has_previous, next_cursor=following, has_next=has_next
    )


_NULL = object()


def _any(value: Any) -> Any:
    if value is None:
        return _NULL
    if isinstance(value, str):
        return value if "\x00" not in value else None
    if isinstance(value, int):
        return value if -(1 << 63) <= value < 1 << 63 else None
    return value if isinstance(value, float) else None
