"""Pages of lists, in a time that does not grow with what is stored.

Whole mailboxes are read in the order of an index. A search is tried first as what it mostly is, a rare find:
the inverted indexes give all of it, up to a bound. What passes the bound is so common that reading in the order of
arrival meets a page of it soon. The planner cannot know which of the two holds (it guesses badly at the
beginnings of words), so each statement switches off the plans that do not fit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hearback_kit.db import Connection
from hearback_kit.db.rowsets import arrays
from sqlalchemy import BigInteger, Select, Text, lateral, literal, select, text, true, tuple_
from sqlalchemy.types import TypeEngine

from feedback.domain.feedback import Feedback
from feedback.store.conditions import Condition
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
BY_INVERTED_INDEX = text(
    "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_indexscan', 'off', true),"
    " set_config('enable_indexonlyscan', 'off', true)"
)
IN_ORDER = text(
    "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),"
    " set_config('enable_indexscan', 'on', true)"
)


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, newest first, and how many the whole list has (counted up to a bound, None when not asked for).

    A full page may lack rows that were deleted while it was read; the list then goes on after `end`.
    """

    rows: list[Feedback]
    hits: int | None = None
    is_full: bool = False
    end: Position | None = None


def mailbox_statement(
    selection: Selection, limit: int, position: Position | None = None, *, backward: bool = False
) -> Select[Any]:
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
    if position is not None:
        conditions.append(_beyond(position, backward))
    part = lateral(
        select(FEEDBACK.c.id, FEEDBACK.c.received_at)
        .where(*conditions)
        .order_by(*_order(FEEDBACK.c, backward))
        .limit(limit)
    )
    ids = (
        select(part.c.id, part.c.received_at)
        .select_from(projects.join(mailboxes, true()).join(part, true()))
        .order_by(*_order(part.c, backward))
        .limit(limit)
        .cte("page")
    )
    return (
        select(*LIST_COLUMNS)
        .join_from(ids, FEEDBACK, FEEDBACK.c.id == ids.c.id)
        .order_by(*_order(ids.c, backward))
    )


def _values(name: str, column: str, values: Sequence[Any], kind: TypeEngine[Any]) -> Any:
    return arrays(name, {column: kind}, {column: list(values)})


def _order(columns: Any, backward: bool) -> tuple[Any, Any]:
    if backward:
        return columns.received_at.asc(), columns.id.asc()
    return columns.received_at.desc(), columns.id.desc()


def _beyond(position: Position, backward: bool) -> Condition:
    place = tuple_(literal(position.received_at), literal(position.id, BigInteger))
    row = tuple_(FEEDBACK.c.received_at, FEEDBACK.c.id)
    return row > place if backward else row < place


def finds_statement(selection: Selection) -> Select[Any]:
    """Return the statement for everything that a search finds, up to `FINDS_MAX` + 1, in no order."""
    return select(FEEDBACK.c.id, FEEDBACK.c.received_at).where(*matches(selection)).limit(FINDS_MAX + 1)


def arrivals_statement(
    selection: Selection, limit: int, position: Position | None = None, *, backward: bool = False
) -> Select[Any]:
    """Return the statement for a page of a search that finds very much, read in the order of arrival."""
    conditions = [FEEDBACK.c.organization_id == selection.organization_id, *matches(selection)]
    if position is not None:
        conditions.append(_beyond(position, backward))
    return select(*LIST_COLUMNS).where(*conditions).order_by(*_order(FEEDBACK.c, backward)).limit(limit)


async def read_page(
    connection: Connection,
    selection: Selection,
    limit: int,
    position: Position | None = None,
    *,
    backward: bool = False,
    hits_max: int | None = None,
) -> Page:
    """Read at most `limit` rows after (or before) `position`; with `hits_max` the list is counted so far."""
    if selection.is_empty:
        return Page([], 0)
    if not selection.is_search:
        statement = mailbox_statement(selection, limit, position, backward=backward)
        rows = await _rows(connection, statement)
        hits = None if hits_max is None else await count_feedback(connection, selection, hits_max)
        return _page_of(rows, hits, limit, backward=backward)
    await connection.execute(BY_INVERTED_INDEX)
    finds = [(found.received_at, found.id) for found in await connection.execute(finds_statement(selection))]
    await connection.execute(IN_ORDER)
    if len(finds) > FINDS_MAX:
        statement = arrivals_statement(selection, limit, position, backward=backward)
        rows = await _rows(connection, statement)
        return _page_of(rows, hits_max, limit, backward=backward)
    places = _cut(finds, limit, position, backward)
    ids = [place.id for place in places]
    fetch = select(*LIST_COLUMNS).where(FEEDBACK.c.id.in_(ids)).order_by(*_order(FEEDBACK.c, False))
    rows = await _rows(connection, fetch) if ids else []
    hits = len(finds) if hits_max is None else min(len(finds), hits_max)
    return Page(rows, hits, len(places) == limit, places[-1] if places else None)


async def _rows(connection: Connection, statement: Select[Any]) -> list[Feedback]:
    return [as_feedback(row) for row in await connection.execute(statement)]


def _page_of(rows: list[Feedback], hits: int | None, limit: int, *, backward: bool) -> Page:
    """Return the page of rows that one statement read."""
    end = Position(rows[-1].received_at, rows[-1].id) if rows else None
    return Page(rows[::-1] if backward else rows, hits, len(rows) == limit, end)


def _cut(finds: Sequence[Any], limit: int, position: Position | None, backward: bool) -> list[Position]:
    """Return the places of the page that begins after (or before) `position`, in the order of reading."""
    if position is not None:
        place = (position.received_at, position.id)
        finds = [find for find in finds if (find > place if backward else find < place)]
    return [Position(*find) for find in sorted(finds, reverse=not backward)[:limit]]
