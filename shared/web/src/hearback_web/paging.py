"""The neighbours of a keyset page, as links of a page for people."""

from dataclasses import dataclass
from typing import Any

from hearback_kit.api.paging import KeysetPage
from starlette.requests import Request

from hearback_web.links import url_with


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Addresses of the pages before and after; None where there is none."""

    previous_url: str | None
    next_url: str | None


def neighbours(request: Request, page: KeysetPage[Any]) -> Neighbours:
    """Return where a page's neighbours are: the address asked for, with another cursor."""
    cursors = page.previous_cursor, page.next_cursor
    return Neighbours(*(cursor and url_with(request, cursor=cursor) for cursor in cursors))
