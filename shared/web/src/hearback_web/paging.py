"""Links to the previous and next page of a list."""

from dataclasses import dataclass
from typing import Any

from hearback_kit.api.paging import KeysetPage
from starlette.requests import Request

from hearback_web.links import url_with


@dataclass(frozen=True, slots=True)
class Neighbours:
    """URLs of the previous and next page, or None."""

    previous_url: str | None
    next_url: str | None


def neighbours(request: Request, page: KeysetPage[Any]) -> Neighbours:
    """Return the requested URL with the cursors of the neighbouring pages."""
    cursors = page.previous_cursor, page.next_cursor
    return Neighbours(*(cursor and url_with(request, cursor=cursor) for cursor in cursors))
