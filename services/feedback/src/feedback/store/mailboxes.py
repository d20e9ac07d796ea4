"""The inbox's list with counts of its mailboxes, at a cost that does not grow with the number of rows."""

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
    list_at,
    read_in_order,
    read_page,
)
from feedback.store.feedback_read import Position, Selection
from feedback.store.mailbox_statements import (
    fill_statement,
    matches_statement,
    sample_statement,
    span_statement,
)

NEAR_ROWS_MAX: Final = 1_000  # rows sampled before an inverted index is used
FAR_ROWS_MAX: Final = 10_000  # rows scanned for a page of a common search
COMMON_PART_MIN: Final = 0.01  # a search that matches more of the sample is common
MATCHES_MAX: Final = 5_000  # matches that the database sorts; with more, a scan in time order fills a page soon
SPANS_MAX: Final = 50  # a page of many matches is searched within this multiple of the sample's time span


async def count_mailboxes(
    connection: Connection, selection: Selection, count_max: int
) -> Mapping[str, int | None]:
    """Count each mailbox: `count_max` + 1 for more, None for a search with more than `MATCHES_MAX` matches."""
    if selection.is_empty:
        return dict.fromkeys(STATUSES, 0)
    if selection.is_search:
        counts, _ = await _read_matches(connection, selection, MATCHES_MAX)
        return counts or dict.fromkeys(STATUSES, None)
    await connection.execute(IN_ORDER)
    found = await connection.execute(fill_statement(selection, count_max))
    return dict.fromkeys(STATUSES, 0) | {status: rows for status, rows in found}  # noqa: C416 - rows are no pairs


class _Match(NamedTuple):
    position: Position
    status: str


async def _read_matches(
    connection: Connection,
    selection: Selection,
    matches_max: int,
    statuses: Sequence[str] = (),
    window: Window | None = None,
) -> tuple[Mapping[str, int | None] | None, list[Position]]:
    """Return a search's counts by mailbox (None above `matches_max` matches) and the positions of a page."""
    await connection.execute(BY_INVERTED_INDEX)
    counts, positions = dict.fromkeys(STATUSES, 0), []
    for row in await connection.execute(matches_statement(selection, matches_max, statuses, window)):
        if row.id is None:
            counts[row.status] = row.rows
        else:
            positions.append(Position(row.first_seen, row.id))
    return (counts if sum(counts.values()) <= matches_max else None), positions


def _counted(matches: Sequence[_Match]) -> Mapping[str, int | None]:
    counts = Counter(match.status for match in matches)
    return {status: counts[status] for status in STATUSES}


@dataclass(frozen=True, slots=True)
class _Sample:
    """The matches of a search among some rows; `is_all` if the list has no further rows."""

    matches: Sequence[_Match]
    is_all: bool
    newest: datetime | None
    span: timedelta


async def _sample(connection: Connection, selection: Selection, window: Window) -> _Sample:
    """Return the matches of a search among the rows of a window."""
    await connection.execute(IN_ORDER)
    rows = list(await connection.execute(sample_statement(selection, window)))
    matches = [_Match(Position(row.first_seen, row.id), row.status) for row in rows if row.id is not None]
    first = rows[0]
    span = first.newest - first.oldest if first.rows else timedelta()
    return _Sample(matches, first.rows < window.limit, first.newest, span)


async def _read_span(
    connection: Connection, selection: Selection, window: Window, sample: _Sample
) -> list[Position]:
    """Return positions of a page within `SPANS_MAX` times the sample's time span from the page's start."""
    begin = window.position[0] if window.position else sample.newest
    if begin is None:
        return []
    end = begin + sample.span * (SPANS_MAX if window.backward else -SPANS_MAX)
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
    """Return a page of `shown`, and the counts by mailbox of `everywhere`, which includes it.

    A search is sampled among the newest rows first. A common one is not counted, since an inverted index would
    have to return all matches: its counts are None. A rare one is read once for both. For one in between, the page
    is searched for where it is likely, and the counts are empty: `count_mailboxes` returns them.
    """
    if not shown.is_search or shown.is_empty:
        filled = await count_mailboxes(connection, everywhere, count_max)
        page = await read_page(connection, shown, window)
        return page.rows, filled
    sample = await _sample(connection, everywhere, Window(NEAR_ROWS_MAX))
    counts: Mapping[str, int | None]
    positions: list[Position] | None
    if sample.is_all:
        counts, positions, is_whole = _counted(sample.matches), _page_of(sample.matches, shown, window), True
    elif len(sample.matches) > NEAR_ROWS_MAX * COMMON_PART_MIN:
        counts = dict.fromkeys(STATUSES, None)
        positions = await _read_near(connection, shown, window, sample.matches)
        is_whole = len(positions) == window.limit
    else:
        counts, positions = await _read_rare(connection, everywhere, shown, window, sample, count_max)
        is_whole = True
    if positions is None:
        return await read_in_order(connection, shown, window), counts
    if is_whole:
        rows = await list_at(connection, positions)
        if len(rows) == len(positions):  # else some were deleted meanwhile: others fill the page
            return rows, counts
    page = await read_page(connection, shown, window)
    return page.rows, counts


async def _read_rare(
    connection: Connection,
    everywhere: Selection,
    shown: Selection,
    window: Window,
    sample: _Sample,
    count_max: int,
) -> tuple[Mapping[str, int | None], list[Position] | None]:
    """Return the counts of a search that is rare in the sample, and the positions of a page.

    Counts are empty when there were more than `count_max` matches but the page was found otherwise. Counts and
    positions are None when there are more matches than the database should sort.
    """
    if not shown.has_patterns:
        counts, positions = await _read_matches(connection, everywhere, count_max, shown.statuses, window)
        if counts is None:
            positions = await _read_span(connection, shown, window, sample)
        if counts is not None or len(positions) == window.limit:
            return counts or {}, positions
    counts, positions = await _read_matches(connection, everywhere, MATCHES_MAX, shown.statuses, window)
    if counts is None:
        return dict.fromkeys(STATUSES, None), None
    return counts, positions


async def _read_near(
    connection: Connection, shown: Selection, window: Window, newest: Sequence[_Match]
) -> list[Position]:
    """Return the positions of a page of a common search, from a scan next to the page's position.

    The number of rows to scan is estimated from the density of matches in the sample.
    """
    positions = [] if window.position is not None else _page_of(newest, shown, window)
    density = sum(match.status in shown.statuses for match in newest) / NEAR_ROWS_MAX
    guess = int(1.5 * window.limit / density) if density else FAR_ROWS_MAX
    for rows_max in (min(max(guess, NEAR_ROWS_MAX), FAR_ROWS_MAX), FAR_ROWS_MAX):
        if len(positions) == window.limit:
            break
        sample = await _sample(connection, shown, replace(window, limit=rows_max))
        positions = _page_of(sample.matches, shown, window)
        if rows_max == FAR_ROWS_MAX:
            break
    return positions


def _page_of(matches: Sequence[_Match], shown: Selection, window: Window) -> list[Position]:
    return cut([match.position for match in matches if match.status in shown.statuses], window)
