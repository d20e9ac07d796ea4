"""How full the mailboxes are, counted no further than a bound: the cost is the same however much is stored."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from hearback_kit.db import Connection
from hearback_kit.db.rows import Window

from feedback.domain.feedback import Feedback
from feedback.domain.statuses import STATUSES
from feedback.store.feedback_pages import (
    BY_INVERTED_INDEX,
    IN_ORDER,
    cut,
    list_places,
    read_in_order,
    read_page,
)
from feedback.store.feedback_read import Position, Selection
from feedback.store.mailbox_statements import (
    fill_statement,
    finds_statement,
    newest_finds_statement,
    span_statement,
)

NEAR_ROWS_MAX: Final = 1_000  # rows that a search is looked up among before an inverted index is asked
FAR_ROWS_MAX: Final = 10_000  # rows that a page of what is common is looked for among
COMMON_PART_MIN: Final = 0.01  # of these rows: what is found more often is common
FINDS_MAX: Final = 5_000  # that the database sorts; with more, the order of time meets a page of them soon
LOOKS_MAX: Final = 50  # times as much time as the newest rows span is where a page of many finds is looked for


async def count_mailboxes(
    connection: Connection, selection: Selection, count_max: int
) -> Mapping[str, int | None]:
    """Return the rows of each mailbox: `count_max` + 1 for more, None for a search of more than `FINDS_MAX`."""
    if selection.is_empty:
        return dict.fromkeys(STATUSES, 0)
    if selection.is_search:
        counts, _ = await _read_finds(connection, selection, FINDS_MAX)
        return counts or dict.fromkeys(STATUSES, None)
    await connection.execute(IN_ORDER)
    found = await connection.execute(fill_statement(selection, count_max))
    return dict.fromkeys(STATUSES, 0) | {status: rows for status, rows in found}  # noqa: C416 - rows are no pairs


class _Find(NamedTuple):
    position: Position
    status: str


async def _read_finds(
    connection: Connection,
    selection: Selection,
    finds_max: int,
    statuses: Sequence[str] = (),
    window: Window | None = None,
) -> tuple[Mapping[str, int | None] | None, list[Position]]:
    """Return the counts of a search's mailboxes and the places of a page; None for more finds than `finds_max`."""
    await connection.execute(BY_INVERTED_INDEX)
    counts, places = dict.fromkeys(STATUSES, 0), []
    for row in await connection.execute(finds_statement(selection, finds_max, statuses, window)):
        if row.id is None:
            counts[row.status] = row.rows
        else:
            places.append(Position(row.first_seen, row.id))
    return (counts if sum(counts.values()) <= finds_max else None), places


def _counted(finds: Sequence[_Find]) -> Mapping[str, int | None]:
    counts = Counter(find.status for find in finds)
    return {status: counts[status] for status in STATUSES}


@dataclass(frozen=True, slots=True)
class _Look:
    """What a search finds nearby: whether that is everything up to the list's end, and the newest time there."""

    finds: Sequence[_Find]
    is_all: bool
    newest: datetime | None
    span: timedelta


async def _look(connection: Connection, selection: Selection, window: Window) -> _Look:
    """Look for what a search finds nearby."""
    await connection.execute(IN_ORDER)
    rows = list(await connection.execute(newest_finds_statement(selection, window)))
    finds = [_Find(Position(row.first_seen, row.id), row.status) for row in rows if row.id is not None]
    first = rows[0]
    span = first.newest - first.oldest if first.rows else timedelta()
    return _Look(finds, first.rows < window.limit, first.newest, span)


async def _read_span(connection: Connection, selection: Selection, window: Window, look: _Look) -> list[Position]:
    """Return places of a page that are within `LOOKS_MAX` times the span of a look from the page's beginning."""
    begin = window.position[0] if window.position else look.newest
    if begin is None:
        return []
    end = begin + look.span * (LOOKS_MAX if window.backward else -LOOKS_MAX)
    await connection.execute(BY_INVERTED_INDEX)
    found = await connection.execute(span_statement(selection, window, min(begin, end), max(begin, end)))
    return [Position(row.first_seen, row.id) for row in found]


async def read_mailbox(
    connection: Connection,
    everywhere: Selection,
    shown: Selection,
    window: Window,
    *,
    count_max: int,
) -> tuple[list[Feedback], Mapping[str, int | None]]:
    """Return a page of `shown`, and the counts of the mailboxes of `everywhere`, of which it is a part.

    A search is looked up among the newest rows first. What is common is met there, and is not counted: an inverted
    index would have to find all of it: its counts are None. What is rare is looked up once for both. Of what is
    neither the page is looked for where it can be expected, and the counts are empty: `count_mailboxes` has them.
    """
    if not shown.is_search or shown.is_empty:
        filled = await count_mailboxes(connection, everywhere, count_max)
        page = await read_page(connection, shown, window)
        return page.rows, filled
    look = await _look(connection, everywhere, Window(NEAR_ROWS_MAX))
    counts: Mapping[str, int | None]
    places: list[Position] | None
    if look.is_all:
        counts, places, is_whole = _counted(look.finds), _places(look.finds, shown, window), True
    elif len(look.finds) > NEAR_ROWS_MAX * COMMON_PART_MIN:
        counts = dict.fromkeys(STATUSES, None)
        places = await _near(connection, shown, window, look.finds)
        is_whole = len(places) == window.limit
    else:
        counts, places = await _read_rare(connection, everywhere, shown, window, look, count_max)
        is_whole = True
    if places is None:
        return await read_in_order(connection, shown, window), counts
    if is_whole:
        rows = await list_places(connection, places)
        if len(rows) == len(places):  # else some were deleted meanwhile, and others move up
            return rows, counts
    page = await read_page(connection, shown, window)
    return page.rows, counts


async def _read_rare(
    connection: Connection, everywhere: Selection, shown: Selection, window: Window, look: _Look, count_max: int
) -> tuple[Mapping[str, int | None], list[Position] | None]:
    """Return the counts of a search that finds few of the newest rows, and the places of a page.

    Counts are empty where more than `count_max` finds were not counted, and None where they are more than the
    database shall sort; then there are no places either. An index that is fast is asked again for fewer rows
    rather than for the rows of many finds, which may have to come from disk.
    """
    if not shown.has_patterns:
        counts, places = await _read_finds(connection, everywhere, count_max, shown.statuses, window)
        if counts is None:
            places = await _read_span(connection, shown, window, look)
        if counts is not None or len(places) == window.limit:
            return counts or {}, places
    counts, places = await _read_finds(connection, everywhere, FINDS_MAX, shown.statuses, window)
    if counts is None:
        return dict.fromkeys(STATUSES, None), None
    return counts, places


async def _near(
    connection: Connection, shown: Selection, window: Window, newest: Sequence[_Find]
) -> list[Position]:
    """Return the places of a page of what is common, found among the rows next to its position.

    How many rows those are is guessed from what the newest ones have.
    """
    places = [] if window.position is not None else _places(newest, shown, window)
    density = sum(find.status in shown.statuses for find in newest) / NEAR_ROWS_MAX
    guess = int(1.5 * window.limit / density) if density else FAR_ROWS_MAX
    for rows_max in (min(max(guess, NEAR_ROWS_MAX), FAR_ROWS_MAX), FAR_ROWS_MAX):
        if len(places) == window.limit:
            break
        look = await _look(connection, shown, replace(window, limit=rows_max))
        places = _places(look.finds, shown, window)
        if rows_max == FAR_ROWS_MAX:
            break
    return places


def _places(finds: Sequence[_Find], shown: Selection, window: Window) -> list[Position]:
    return cut([find.position for find in finds if find.status in shown.statuses], window)
