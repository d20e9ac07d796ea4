"""Keyset pages of lists, with the addresses of the neighbours."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Generic, Protocol, TypeVar

from fastapi import Depends, Request
from hearback_kit.api.paging import PageRequest, encode_cursor, page_request, read_id
from hearback_web import url_with

from registry.store.pages import Window

ROWS: Final = 50


class Identified(Protocol):
    """A row with an id."""

    @property
    def id(self) -> int: ...


Row = TypeVar("Row", bound=Identified)


@dataclass(frozen=True, slots=True)
class Listing(Generic[Row]):
    """The rows of a page, and the addresses of the pages before and after it."""

    rows: list[Row]
    previous_url: str | None
    next_url: str | None


class Paging:
    """Dependency: which page is wanted."""

    def __init__(
        self, request: Request, page: Annotated[PageRequest, page_request(read_id, rows=ROWS, rows_max=ROWS)]
    ) -> None:
        self._request = request
        self._page = page
        self.window = Window(page.fetch, page.position[0] if page.position else None, page.backward)

    def listing(self, found: Sequence[Row]) -> Listing[Row]:
        """Return the page of up to `window.fetch` rows, which were found in the list's order."""
        page, more = self._page, len(found) > self._page.limit
        rows = list(found[-page.limit :] if page.backward else found[: page.limit])
        if not rows:
            return Listing(rows, None, None)
        has_previous = more if page.backward else page.position is not None
        has_next = page.backward or more
        return Listing(
            rows,
            self._url(encode_cursor((rows[0].id,), backward=True)) if has_previous else None,
            self._url(encode_cursor((rows[-1].id,))) if has_next else None,
        )

    def _url(self, cursor: str) -> str:
        return url_with(self._request, cursor=cursor)


PageDep = Annotated[Paging, Depends()]
