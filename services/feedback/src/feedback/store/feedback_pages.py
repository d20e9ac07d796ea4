"""Pages of lists, and the counts of their mailboxes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from hearback_kit.db import Connection
from hearback_kit.db.planning import BY_KEY, IN_ORDER
from hearback_kit.db.rows import Window
from sqlalchemy import Select, func, select

from feedback.domain.feedback import Feedback
from feedback.domain.statuses import STATUSES
from feedback.store.feedback_read import LIST_COLUMNS, Position, Selection, as_feedback, count_feedback
from feedback.store.list_statements import (
    MATCHES_MAX,
    count_mailboxes_statement,
    in_time,
    mailbox_statement,
    newest_statement,
    scan_statement,
)
from feedback.store.search_reading import is_common, read_matches
from feedback.store.tables import FEEDBACK

COUNTED_MATCHES_MAX: Final = 2_000  # the same where the number of hits is asked for, which is bounded anyway
LAST_ID: Final = select(func.max(FEEDBACK.c.id))
Counts = Mapping[str, int | None]
"""Rows by mailbox; None where counting would take longer than reading a page."""


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, newest first, and the length of the whole list: counted up to a bound, None if not requested.

    `counts` are a search's matches by mailbox, None where they were not counted.
    """

    rows: list[Feedback]
    hits: int | None = None
    counts: Counts | None = None


class Arrived(NamedTuple):
    """A feedback, and when the gateway received it."""

    id: int
    project_id: int
    received_at: datetime


async def read_page(
    connection: Connection,
    selection: Selection,
    window: Window,
    *,
    hits_max: int | None = None,
    everywhere: Selection | None = None,
) -> Page:
    """Read the rows of a window; with `hits_max` also count the list up to that bound.

    `everywhere` is the same search in more mailboxes, of which `counts` are then.
    """
    if selection.is_empty:
        return Page([], 0)
    if not selection.is_search:
        return await _read_mailboxes(connection, selection, window, hits_max)
    page, end = await _read_search(connection, selection, window, hits_max, everywhere or selection)
    rows = page.rows
    while end is not None and len(rows) < window.limit:  # some were deleted while they were read
        rest = replace(window, limit=window.limit - len(rows), position=end)
        more, end = await _read_search(connection, selection, rest, hits_max, selection)
        rows = [*rows, *more.rows]
    return replace(page, rows=rows[::-1] if window.backward else rows)


async def _read_mailboxes(
    connection: Connection, selection: Selection, window: Window, hits_max: int | None
) -> Page:
    rows = await _rows(connection, mailbox_statement(selection, window))
    hits = None if hits_max is None else await count_feedback(connection, selection, hits_max)
    return Page(rows[::-1] if window.backward else rows, hits)


async def _read_search(
    connection: Connection, selection: Selection, window: Window, hits_max: int | None, everywhere: Selection
) -> tuple[Page, Position | None]:
    """Return a page in reading order, and the position after which there may be more.

    Rows that were deleted meanwhile are missing.
    """
    matches_max = MATCHES_MAX if hits_max is None else max(hits_max, COUNTED_MATCHES_MAX)
    for searched in [selection] if everywhere is selection else [everywhere, selection]:
        if await is_common(connection, searched, window, hits_max or window.limit, matches_max):
            continue
        counts, positions = await read_matches(connection, searched, matches_max, selection.statuses, window)
        if counts is not None:
            hits = sum(counts[status] for status in selection.statuses)
            page = Page(
                rows=await _list_at(connection, positions, window),
                hits=hits if hits_max is None else min(hits, hits_max),
                counts=counts if searched is everywhere else None,
            )
            is_full = len(positions) == window.limit
            return page, (max if window.backward else min)(positions) if is_full else None
    await connection.execute(IN_ORDER)
    return Page(await _rows(connection, scan_statement(selection, window)), hits_max), None


async def _list_at(connection: Connection, positions: Sequence[Position], window: Window) -> list[Feedback]:
    """Return the feedback at these positions in reading order; deleted ones are missing."""
    if not positions:
        return []
    chosen = FEEDBACK.c.id.in_([one.id for one in positions])
    statement = select(*LIST_COLUMNS).where(chosen).order_by(*in_time(FEEDBACK.c, window.backward))
    await connection.execute(BY_KEY)
    return await _rows(connection, statement)


async def list_newest(
    connection: Connection, organization_id: int, since: Position | None, limit: int
) -> list[Arrived]:
    """Return an organization's newest feedback, none at or before `since`."""
    await connection.execute(IN_ORDER)
    statement = newest_statement(organization_id, since, limit).add_columns(FEEDBACK.c.received_at)
    return [Arrived(*row) for row in await connection.execute(statement)]


async def find_last_id(connection: Connection) -> int:
    """Return the largest id of all organizations' feedback, 0 without any."""
    found: int | None = await connection.scalar(LAST_ID)
    return found or 0


async def _rows(connection: Connection, statement: Select[Any]) -> list[Feedback]:
    return [as_feedback(row) for row in await connection.execute(statement)]


async def count_mailboxes(connection: Connection, selection: Selection, count_max: int) -> Counts:
    """Count each mailbox: `count_max` + 1 for more, None for a search with more than `MATCHES_MAX` matches."""
    if selection.is_empty:
        return dict.fromkeys(STATUSES, 0)
    if selection.is_search:
        counts, _ = await read_matches(connection, selection, MATCHES_MAX)
        return counts or dict.fromkeys(STATUSES)
    await connection.execute(IN_ORDER)
    found = await connection.execute(count_mailboxes_statement(selection, count_max))
    return dict.fromkeys(STATUSES, 0) | {status: rows for status, rows in found}  # noqa: C416 - rows are no pairs


async def read_counted_page(
    connection: Connection, selection: Selection, window: Window, *, everywhere: Selection, count_max: int
) -> tuple[list[Feedback], Counts]:
    """Read the rows of a window, and count the mailboxes of `everywhere`, which includes them."""
    if selection.is_search and not selection.is_empty:
        page = await read_page(connection, selection, window, everywhere=everywhere)
        return page.rows, page.counts or dict.fromkeys(STATUSES)
    counts = await count_mailboxes(connection, everywhere, count_max)
    return (await read_page(connection, selection, window)).rows, counts
