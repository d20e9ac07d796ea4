"""Keyset pagination: cursors with the sort key of a page's last row, and `Link` headers."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Generic, TypeVar
from urllib.parse import parse_qsl, quote, urlencode

import orjson
from fastapi import Depends, Query
from starlette.requests import Request

from hearback_kit.db.rows import Window
from hearback_kit.errors import BadRequest
from hearback_kit.values.ids import is_id
from hearback_kit.values.nul import NUL
from hearback_kit.values.times import parse_rfc3339, wire_time

Row = TypeVar("Row")
Key = tuple[Any, ...]
# Reads one value of a decoded cursor; None when it is of the wrong type.
Reader = Callable[[Any], Any]
# A number of rows, or a function that reads it from the app's settings.
Rows = int | Callable[[Request], int]
CURSOR_CHARACTERS_MAX: Final = 1_000
_PATH_SAFE: Final = "/~:@!$&'()*+,;=-._"


def read_time(value: Any) -> datetime | None:
    """Read a time of a cursor."""
    return parse_rfc3339(value) if isinstance(value, str) else None


def read_id(value: Any) -> int | None:
    """Read a row id of a cursor."""
    return value if is_id(value) else None


def read_text(value: Any) -> str | None:
    """Read a text of a cursor, without NUL."""
    return value if isinstance(value, str) and NUL not in value else None


def encode_cursor(key: Sequence[Any], *, backward: bool = False) -> str:
    """Return the cursor of the page after (or before) the row with this sort key: times, ids, texts."""
    values = [wire_time(value) if isinstance(value, datetime) else value for value in key]
    return base64.urlsafe_b64encode(orjson.dumps([int(backward), *values])).decode().rstrip("=")


def decode_cursor(cursor: str, readers: Sequence[Reader]) -> tuple[Key, bool]:
    """Return the sort key and whether to read backward; raise BadRequest for an invalid cursor."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        values = orjson.loads(raw)
    except (binascii.Error, ValueError) as error:
        raise _invalid() from error
    if not isinstance(values, list) or len(values) != len(readers) + 1 or values[0] not in (0, 1):
        raise _invalid()
    key = tuple(read(value) for read, value in zip(readers, values[1:], strict=True))
    if None in key:
        raise _invalid()
    return key, bool(values[0])


def _invalid() -> BadRequest:
    return BadRequest("Invalid cursor parameter.", code="invalid_cursor")


def page_link(
    request: Request, *, previous: str | None, has_previous: bool, next_cursor: str | None, has_next: bool
) -> str:
    """Return the `Link` header of a page: both relations, each with `results` and `cursor`, as in Sentry.

    The request's query string is kept, except the cursor. URLs begin with the public one, since behind a proxy the
    request's own scheme and host are those of an inner hop, or chosen by the client.
    """
    url = request.app.state.public_url.rstrip("/") + quote(request.scope["path"], safe=_PATH_SAFE)
    query = parse_qsl(request.url.query, keep_blank_values=True)
    kept = [(name, value) for name, value in query if name != "cursor"]

    def link(relation: str, results: bool, cursor: str | None) -> str:
        target = f"{url}?{urlencode([*kept, ('cursor', cursor or '')])}"
        found = "true" if results else "false"
        return f'<{target}>; rel="{relation}"; results="{found}"; cursor="{cursor or ""}"'

    return ", ".join([link("previous", has_previous, previous), link("next", has_next, next_cursor)])


@dataclass(frozen=True, slots=True)
class KeysetPage(Generic[Row]):
    """The rows of a page in the list's order, its `Link` header, and the cursors of adjacent pages."""

    rows: list[Row]
    link: str
    previous_cursor: str | None
    next_cursor: str | None

    @property
    def headers(self) -> dict[str, str]:
        """The headers of a response with this page."""
        return {"Link": self.link}


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A request for `limit` rows after `position` (a sort key, exclusive; None: the list's start)."""

    request: Request
    limit: int
    position: Key | None = None
    backward: bool = False

    @property
    def window(self) -> Window:
        """The rows to select: one more than the page, which shows whether another page follows."""
        return Window(self.limit + 1, self.position, self.backward)

    def page(self, found: Sequence[Row], key: Callable[[Row], Key]) -> KeysetPage[Row]:
        """Return the page of the rows of `window`, which are in the list's order also when read backward.

        `key` returns a row's sort key, in the form of the cursor's readers.
        """
        more = len(found) > self.limit
        rows = list(found[-self.limit :] if self.backward else found[: self.limit])
        previous = encode_cursor(key(rows[0]), backward=True) if rows else None
        following = encode_cursor(key(rows[-1])) if rows else None
        has_previous = bool(rows) and (more if self.backward else self.position is not None)
        has_next = bool(rows) and (self.backward or more)
        link = page_link(
            self.request, previous=previous, has_previous=has_previous, next_cursor=following, has_next=has_next
        )
        return KeysetPage(rows, link, previous if has_previous else None, following if has_next else None)


def page_request(*readers: Reader, rows: Rows, rows_max: Rows, is_clipped: bool = False) -> Any:
    """Return a dependency that yields the `PageRequest` of a request.

    `readers` read the parts of the sort key. The number of rows is `per_page` or `limit`, `rows` by default, and
    at most `rows_max`, which may come from the app's settings. Raise BadRequest for an invalid number or cursor;
    with `is_clipped` a larger number is clamped instead.
    """

    most = f"1 to {rows_max}" if isinstance(rows_max, int) else "at least 1, at most what the operator allows"
    most += "; more means the most." if is_clipped else "."

    def read(
        request: Request,
        per_page: Annotated[int | None, Query(description=f"Rows of a page: {most}")] = None,
        limit: Annotated[int | None, Query(description="The same as `per_page`, which goes first.")] = None,
        cursor: Annotated[
            str | None,
            Query(description="From the `Link` header of another page.", max_length=CURSOR_CHARACTERS_MAX),
        ] = None,
    ) -> PageRequest:
        bound = _resolve(rows_max, request)
        name, wanted = ("per_page", per_page) if per_page is not None else ("limit", limit)
        if wanted is not None and is_clipped:
            wanted = min(wanted, bound)
        if wanted is not None and not 1 <= wanted <= bound:
            raise BadRequest(f"Invalid {name} value. Must be between 1 and {bound}.", code=f"invalid_{name}")
        number = min(bound, _resolve(rows, request)) if wanted is None else wanted
        if not cursor:
            return PageRequest(request, number)
        position, backward = decode_cursor(cursor, readers)
        return PageRequest(request, number, position, backward)

    return Depends(read)


def _resolve(rows: Rows, request: Request) -> int:
    return rows if isinstance(rows, int) else rows(request)
