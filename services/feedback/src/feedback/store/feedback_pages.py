"""Pages of lists, at a cost that does not grow with the number of rows.

Whole mailboxes are read in index order. Most searches are rare, so an inverted index returns all matches up to a
bound. A search beyond the bound is so common that a scan in time order fills a page soon. For a common word the
inverted index itself would take long, so a sample of the newest rows decides first which plan to use. The planner
cannot estimate this (it misjudges prefixes badly), so each statement disables the plans that do not fit.
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

MATCHES_MAX = 2_000
SAMPLE_ROWS = 1_000  # newest rows that show how common a search is
ROWS_PER_MATCH = 4  # index entries that an inverted index reads in the time a scan takes to visit one row
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
    """Rows, newest first, and the length of the whole list: counted up to a bound, None if not requested."""

    rows: list[Feedback]
    hits: int | None = None


@dataclass(frozen=True, slots=True)
class _Reading:
    """Rows of one attempt in reading order; reading may continue after `end` (None: the list ends).

    Rows that were deleted meanwhile are missing.
    """

    rows: list[Feedback]
    hits: int | None = None
    end: Position | None = None


def mailbox_statement(selection: Selection, window: Window) -> Select[Any]:
    """Return the statement for a page of whole mailboxes.

    Each project and mailbox is read in index order, and the results are merged: the cost depends neither on the
    position of the page nor on the number of rows.
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
    """Return the columns of a list's ORDER BY: newest first, or the reverse when reading `backward`."""
    if backward:
        return columns.first_seen.asc(), columns.id.asc()
    return columns.first_seen.desc(), columns.id.desc()


def matches_statement(selection: Selection) -> Select[Any]:
    """Return the statement for all matches of a search, up to `MATCHES_MAX` + 1, unordered."""
    return select(FEEDBACK.c.id, FEEDBACK.c.first_seen).where(*matches(selection)).limit(MATCHES_MAX + 1)


def sample_statement(selection: Selection, rows_max: int, count_max: int) -> Select[Any]:
    """Return the statement that counts matches among an organization's newest rows, up to `count_max`."""
    ours = FEEDBACK.c.organization_id == selection.organization_id
    times = select(FEEDBACK.c.first_seen).where(ours).order_by(FEEDBACK.c.first_seen.desc(), FEEDBACK.c.id.desc())
    oldest = times.offset(rows_max).limit(1).scalar_subquery()
    found = select(FEEDBACK.c.id).where(ours, FEEDBACK.c.first_seen > oldest, *matches(selection)).limit(count_max)
    return select(func.count()).select_from(found.subquery())


def scan_statement(selection: Selection, window: Window) -> Select[Any]:
    """Return the statement for a page of a common search, scanned in time order."""
    conditions = [FEEDBACK.c.organization_id == selection.organization_id, *matches(selection)]
    return window.statement(select(*LIST_COLUMNS).where(*conditions), sort_key(FEEDBACK.c))


async def read_page(
    connection: Connection, selection: Selection, window: Window, *, hits_max: int | None = None
) -> Page:
    """Read the rows of a window; with `hits_max` also count the list up to that bound."""
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
    matched: list[Position] = []
    is_common = await _is_common(connection, selection, max(hits_max or 0, MATCHES_MAX))
    if not is_common:
        await connection.execute(BY_INVERTED_INDEX)
        rows_matched = await connection.execute(matches_statement(selection))
        matched = [Position(row.first_seen, row.id) for row in rows_matched]
    await connection.execute(IN_ORDER)
    if is_common or len(matched) > MATCHES_MAX:
        rows = await _rows(connection, scan_statement(selection, window))
        return _Reading(rows, hits_max)
    hits = len(matched) if hits_max is None else min(len(matched), hits_max)
    positions = cut(matched, window)
    if not positions:
        return _Reading([], hits)
    chosen = FEEDBACK.c.id.in_([one.id for one in positions])
    fetch = select(*LIST_COLUMNS).where(chosen).order_by(*in_time(FEEDBACK.c, window.backward))
    end = positions[-1] if len(positions) == window.limit else None
    return _Reading(await _rows(connection, fetch), hits, end)


async def _is_common(connection: Connection, selection: Selection, count: int) -> bool:
    """Whether a scan in time order finds `count` matches sooner than an inverted index finds every one."""
    rows = (await connection.execute(ROWS)).scalar_one()
    if rows < ROWS_PER_MATCH * count:
        return False
    await connection.execute(IN_ORDER)
    sample = (await connection.execute(sample_statement(selection, SAMPLE_ROWS, SAMPLE_ROWS))).scalar_one()
    share = sample / SAMPLE_ROWS
    if share * share * rows < ROWS_PER_MATCH * count:
        return False
    met = (await connection.execute(sample_statement(selection, int(2 * count / share), count))).scalar_one()
    return bool(met == count)


async def read_in_order(connection: Connection, selection: Selection, window: Window) -> list[Feedback]:
    """Read a page of a common search, newest first."""
    await connection.execute(IN_ORDER)
    rows = await _rows(connection, scan_statement(selection, window))
    return rows[::-1] if window.backward else rows


async def list_at(connection: Connection, positions: Sequence[Position]) -> list[Feedback]:
    """Return the feedback at these positions, newest first; deleted ones are missing."""
    if not positions:
        return []
    chosen = FEEDBACK.c.id.in_([one.id for one in positions])
    statement = select(*LIST_COLUMNS).where(chosen).order_by(*in_time(FEEDBACK.c, backward=False))
    await connection.execute(IN_ORDER)
    return await _rows(connection, statement)


async def _rows(connection: Connection, statement: Select[Any]) -> list[Feedback]:
    return [as_feedback(row) for row in await connection.execute(statement)]


def cut(matched: Sequence[Position], window: Window) -> list[Position]:
    """Return the positions of a window, in reading order."""
    if window.position is not None:
        position = tuple(window.position)
        matched = [one for one in matched if (one > position if window.backward else one < position)]
    return sorted(matched, reverse=not window.backward)[: window.limit]
