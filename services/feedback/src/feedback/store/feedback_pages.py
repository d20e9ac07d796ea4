"""Pages of lists, in a time that does not grow with what is stored.

Whole mailboxes are read in the order of an index. A search is tried first as what it mostly is, a rare find:
the inverted indexes give all of it, up to a bound. What passes the bound is so common that reading in the
order of time meets a page of it soon. Over millions of rows the inverted indexes would take long to find all of
a common word, so the newest rows are asked first whether it is one. The planner cannot know which of the two holds
(it guesses badly at the beginnings of words), so each statement switches off the plans that do not fit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from hearback_kit.db import Connection
from hearback_kit.db.rows import Window
from hearback_kit.db.rowsets import arrays
from sqlalchemy import BigInteger, Select, Text, func, lateral, select, text, true
from sqlalchemy.types import TypeEngine

from feedback.domain.feedback import Feedback
from feedback.store.feedback_read import (
    LIST_COLUMNS,
    Position,
    Selection,
    as_feedback,
    count_feedback,
    matches,
)
from feedback.store.tables import FEEDBACK

FINDS_MAX = 2_000
SAMPLE_ROWS = 1_000  # newest rows that tell how common a search is
ROWS_PER_FIND = 4  # that an inverted index reads in the time in which one row is visited in the order of time
ROWS = text("SELECT reltuples FROM pg_class WHERE oid = CAST('feedback' AS regclass)")
BY_INVERTED_INDEX = text(
    "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_indexscan', 'off', true),"
    " set_config('enable_indexonlyscan', 'off', true), set_config('enable_bitmapscan', 'on', true)"
)
WITHOUT_SCANS = text(
    "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),"
    " set_config('enable_mergejoin', 'off', true), set_config('enable_indexscan', 'on', true),"
    " set_config('enable_bitmapscan', 'on', true)"
)
IN_ORDER = text(
    "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),"
    " set_config('enable_indexscan', 'on', true)"
)


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, newest first, and how many the whole list has (counted up to a bound, None when not asked for)."""

    rows: list[Feedback]
    hits: int | None = None


@dataclass(frozen=True, slots=True)
class _Reading:
    """What one look found, in the order of reading; after `end` (None: the list's end) there may be more.

    Rows that were deleted meanwhile are missing.
    """

    rows: list[Feedback]
    hits: int | None = None
    end: Position | None = None


def mailbox_statement(selection: Selection, window: Window) -> Select[Any]:
    """Return the statement for a page of whole mailboxes.

    They are read per project and mailbox, each in the order of one index, and merged: so the costs are the same
    whatever lies behind the page, also over many projects.
    """
    projects = _values("projects", "project_id", selection.project_ids, BigInteger())
    mailboxes = _values("mailboxes", "status", selection.statuses, Text())
    conditions = [
        FEEDBACK.c.project_id == projects.c.project_id,
        FEEDBACK.c.status == mailboxes.c.status,
        *selection.conditions,
    ]
    part = lateral(
        window.statement(select(FEEDBACK.c.id, FEEDBACK.c.first_seen).where(*conditions), sort_key(FEEDBACK.c))
    )
    ids = (
        select(part.c.id, part.c.first_seen)
        .select_from(projects.join(mailboxes, true()).join(part, true()))
        .order_by(*in_time(part.c, window.backward))
        .limit(window.limit)
        .cte("page")
    )
    return (
        select(*LIST_COLUMNS)
        .join_from(ids, FEEDBACK, FEEDBACK.c.id == ids.c.id)
        .order_by(*in_time(ids.c, window.backward))
    )


def _values(name: str, column: str, values: Sequence[Any], kind: TypeEngine[Any]) -> Any:
    return arrays(name, {column: kind}, {column: list(values)})


def sort_key(columns: Any) -> tuple[Any, Any]:
    """Return the columns of a `Position`."""
    return columns.first_seen, columns.id


def in_time(columns: Any, backward: bool) -> tuple[Any, Any]:
    """Return the order of lists by their columns, newest first, or `backward`."""
    if backward:
        return columns.first_seen.asc(), columns.id.asc()
    return columns.first_seen.desc(), columns.id.desc()


def finds_statement(selection: Selection) -> Select[Any]:
    """Return the statement for everything that a search finds, up to `FINDS_MAX` + 1, in no order."""
    return select(FEEDBACK.c.id, FEEDBACK.c.first_seen).where(*matches(selection)).limit(FINDS_MAX + 1)


def near_statement(selection: Selection, rows_max: int, count_max: int) -> Select[Any]:
    """Return the statement that counts finds among the newest rows of an organization, up to `count_max`."""
    ours = FEEDBACK.c.organization_id == selection.organization_id
    times = select(FEEDBACK.c.first_seen).where(ours).order_by(FEEDBACK.c.first_seen.desc(), FEEDBACK.c.id.desc())
    oldest = times.offset(rows_max).limit(1).scalar_subquery()
    found = select(FEEDBACK.c.id).where(ours, FEEDBACK.c.first_seen > oldest, *matches(selection)).limit(count_max)
    return select(func.count()).select_from(found.subquery())


def newest_statement(selection: Selection, window: Window) -> Select[Any]:
    """Return the statement for a page of a search that finds very much, read in the order of time."""
    conditions = [FEEDBACK.c.organization_id == selection.organization_id, *matches(selection)]
    return window.statement(select(*LIST_COLUMNS).where(*conditions), sort_key(FEEDBACK.c))


async def read_page(
    connection: Connection, selection: Selection, window: Window, *, hits_max: int | None = None
) -> Page:
    """Read the rows of a window; with `hits_max` the list is counted so far."""
    if selection.is_empty:
        return Page([], 0)
    read = _read_search if selection.is_search else _read_mailboxes
    found = await read(connection, selection, window, hits_max)
    rows, end = found.rows, found.end
    while end is not None and len(rows) < window.limit:  # some were deleted while they were read
        rest = replace(window, limit=window.limit - len(rows), position=end)
        more = await read(connection, selection, rest, hits_max)
        rows, end = [*rows, *more.rows], more.end
    return Page(rows[::-1] if window.backward else rows, found.hits)


async def _read_mailboxes(
    connection: Connection, selection: Selection, window: Window, hits_max: int | None
) -> _Reading:
    rows = await _rows(connection, mailbox_statement(selection, window))
    hits = None if hits_max is None else await count_feedback(connection, selection, hits_max)
    return _Reading(rows, hits)


async def _read_search(
    connection: Connection, selection: Selection, window: Window, hits_max: int | None
) -> _Reading:
    finds: list[Position] = []
    is_common = await _is_common(connection, selection, max(hits_max or 0, FINDS_MAX))
    if not is_common:
        await connection.execute(BY_INVERTED_INDEX)
        finds = [
            Position(find.first_seen, find.id) for find in await connection.execute(finds_statement(selection))
        ]
    await connection.execute(IN_ORDER)
    if is_common or len(finds) > FINDS_MAX:
        rows = await _rows(connection, newest_statement(selection, window))
        return _Reading(rows, hits_max)
    hits = len(finds) if hits_max is None else min(len(finds), hits_max)
    places = cut(finds, window)
    if not places:
        return _Reading([], hits)
    chosen = FEEDBACK.c.id.in_([place.id for place in places])
    fetch = select(*LIST_COLUMNS).where(chosen).order_by(*in_time(FEEDBACK.c, window.backward))
    end = places[-1] if len(places) == window.limit else None
    return _Reading(await _rows(connection, fetch), hits, end)


async def _is_common(connection: Connection, selection: Selection, finds: int) -> bool:
    """Whether the order of time meets so many finds sooner than the inverted indexes would give all finds."""
    rows = (await connection.execute(ROWS)).scalar_one()
    if rows < ROWS_PER_FIND * finds:
        return False
    await connection.execute(IN_ORDER)
    sample = (await connection.execute(near_statement(selection, SAMPLE_ROWS, SAMPLE_ROWS))).scalar_one()
    share = sample / SAMPLE_ROWS
    if share * share * rows < ROWS_PER_FIND * finds:
        return False
    met = (await connection.execute(near_statement(selection, int(2 * finds / share), finds))).scalar_one()
    return bool(met == finds)


async def read_in_order(connection: Connection, selection: Selection, window: Window) -> list[Feedback]:
    """Read a page of a search that finds very much, newest first."""
    await connection.execute(IN_ORDER)
    rows = await _rows(connection, newest_statement(selection, window))
    return rows[::-1] if window.backward else rows


async def list_places(connection: Connection, places: Sequence[Position]) -> list[Feedback]:
    """Return the feedback at these places, newest first; deleted ones are missing."""
    if not places:
        return []
    chosen = FEEDBACK.c.id.in_([place.id for place in places])
    statement = select(*LIST_COLUMNS).where(chosen).order_by(*in_time(FEEDBACK.c, backward=False))
    await connection.execute(IN_ORDER)
    return await _rows(connection, statement)


async def _rows(connection: Connection, statement: Select[Any]) -> list[Feedback]:
    return [as_feedback(row) for row in await connection.execute(statement)]


def cut(finds: Sequence[Position], window: Window) -> list[Position]:
    """Return the places of a window, in the order of reading."""
    if window.position is not None:
        position = tuple(window.position)
        finds = [find for find in finds if (find > position if window.backward else find < position)]
    return sorted(finds, reverse=not window.backward)[: window.limit]
