"""Pages of lists, in a time that does not grow with what is stored.

Whole mailboxes are read in the order of an index. A search is tried first as what it mostly is, a rare find:
the inverted indexes give all of it, up to a bound. What passes the bound is so common that reading in the order of
arrival meets a page of it soon. The planner cannot know which of the two holds (it guesses badly at the
beginnings of words), so it is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hearback_kit.db import Connection
from sqlalchemy import BigInteger, Row, Select, Text, cast, func, lateral, literal, select, text, true, tuple_
from sqlalchemy import column as sql_column
from sqlalchemy.dialects.postgresql import ARRAY

from feedback.store.queries import LIST_COLUMNS, Position, Selection, count, matches
from feedback.store.search import Condition
from feedback.store.tables import FEEDBACK

FINDS_MAX = 2_000
_BY_INVERTED_INDEX = text(
    "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_indexscan', 'off', true),"
    " set_config('enable_indexonlyscan', 'off', true)"
)
_IN_ORDER = text(
    "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),"
    " set_config('enable_indexscan', 'on', true)"
)


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, newest first, and how many the whole list has (counted up to a bound, None when not asked for).

    A full page may lack rows that were deleted while it was read; the list then goes on after `end`.
    """

    rows: list[Row[Any]]
    hits: int | None = None
    is_full: bool = False
    end: Position | None = None


def mailbox_statement(
    selection: Selection, limit: int, position: Position | None = None, *, backward: bool = False
) -> Select[Any]:
    """A page of whole mailboxes: read per project and mailbox, each in the order of one index, and merged.

    So it costs the same whatever lies behind it, also over many projects.
    """
    projects = _values("projects", "project_id", selection.project_ids, BigInteger)
    mailboxes = _values("mailboxes", "status", selection.statuses, Text)
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


def _values(name: str, column: str, values: Sequence[Any], kind: type[Any]) -> Any:
    array = func.unnest(cast(list(values), ARRAY(kind)))
    return array.table_valued(sql_column(column, kind)).render_derived(name=name)


def _order(columns: Any, backward: bool) -> tuple[Any, Any]:
    if backward:
        return columns.received_at.asc(), columns.id.asc()
    return columns.received_at.desc(), columns.id.desc()


def _beyond(position: Position, backward: bool) -> Condition:
    place = tuple_(literal(position.received_at), literal(position.id, BigInteger))
    row = tuple_(FEEDBACK.c.received_at, FEEDBACK.c.id)
    return row > place if backward else row < place


def finds_statement(selection: Selection) -> Select[Any]:
    """Everything that a search finds, up to a bound, in no order."""
    return select(FEEDBACK.c.id, FEEDBACK.c.received_at).where(*matches(selection)).limit(FINDS_MAX + 1)


def arrivals_statement(
    selection: Selection, limit: int, position: Position | None = None, *, backward: bool = False
) -> Select[Any]:
    """A page of a search that finds very much, met while reading in the order of arrival."""
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
    """At most `limit` rows after (or before) `position`; with `hits_max` the list is counted so far."""
    if selection.is_empty:
        return Page([], 0)
    if not selection.is_search:
        statement = mailbox_statement(selection, limit, position, backward=backward)
        rows = list(await connection.execute(statement))
        hits = None if hits_max is None else await count(connection, selection, hits_max)
        return _page_of(rows, hits, limit, backward=backward)
    await connection.execute(_BY_INVERTED_INDEX)
    finds = [(found.received_at, found.id) for found in await connection.execute(finds_statement(selection))]
    await connection.execute(_IN_ORDER)
    if len(finds) > FINDS_MAX:
        statement = arrivals_statement(selection, limit, position, backward=backward)
        rows = list(await connection.execute(statement))
        return _page_of(rows, hits_max, limit, backward=backward)
    places = _cut(finds, limit, position, backward)
    ids = [place.id for place in places]
    fetch = select(*LIST_COLUMNS).where(FEEDBACK.c.id.in_(ids)).order_by(*_order(FEEDBACK.c, False))
    rows = list(await connection.execute(fetch)) if ids else []
    hits = len(finds) if hits_max is None else min(len(finds), hits_max)
    return Page(rows, hits, len(places) == limit, places[-1] if places else None)


def _page_of(rows: list[Row[Any]], hits: int | None, limit: int, *, backward: bool) -> Page:
    """The page of rows that one statement read."""
    end = Position(rows[-1].received_at, rows[-1].id) if rows else None
    return Page(rows[::-1] if backward else rows, hits, len(rows) == limit, end)


def _cut(finds: Sequence[Any], limit: int, position: Position | None, backward: bool) -> list[Position]:
    """The places of the page that begins after (or before) `position`, in the order of reading."""
    if position is not None:
        place = (position.received_at, position.id)
        finds = [find for find in finds if (find > place if backward else find < place)]
    return [Position(*find) for find in sorted(finds, reverse=not backward)[:limit]]
