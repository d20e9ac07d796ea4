"""How full the mailboxes are, counted no further than a bound: the cost is the same however much is stored."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from hearback_kit.db import Connection
from hearback_kit.db.rowsets import arrays
from sqlalchemy import Select, Text, func, lateral, literal_column, select, true

from feedback.domain.feedback import Feedback
from feedback.domain.statuses import STATUSES
from feedback.store.feedback_pages import (
    BY_INVERTED_INDEX,
    IN_ORDER,
    cut,
    in_time,
    is_beyond,
    list_places,
    read_page,
)
from feedback.store.feedback_read import Position, Selection, matches
from feedback.store.tables import FEEDBACK

NEAR_ROWS_MAX: Final = 1_000  # rows that a search is looked up among before an inverted index is asked
COMMON_PART_MIN: Final = 0.01  # of these rows: what is found more often is common


def fill_statement(selection: Selection, count_max: int) -> Select[Any]:
    """Return the statement that counts each mailbox of a selection up to `count_max` + 1, by an index alone."""
    mailboxes = arrays("mailboxes", {"status": Text()}, {"status": list(selection.statuses)})
    rows: Select[Any] = (
        select(literal_column("1"))
        .where(
            FEEDBACK.c.project_id.in_(list(selection.project_ids)),
            FEEDBACK.c.status == mailboxes.c.status,
            *selection.conditions,
        )
        .limit(count_max + 1)
    )
    counted = lateral(select(func.count().label("rows")).select_from(rows.correlate(mailboxes).subquery()))
    return select(mailboxes.c.status, counted.c.rows).select_from(mailboxes.join(counted, true()))


async def count_mailboxes(
    connection: Connection, selection: Selection, count_max: int
) -> Mapping[str, int | None]:
    """Return the rows of each mailbox: `count_max` + 1 for more, None for a search that finds more than that."""
    if selection.is_empty:
        return dict.fromkeys(STATUSES, 0)
    if selection.is_search:
        return _counted(await _finds(connection, selection, count_max), count_max)
    await connection.execute(IN_ORDER)
    found = await connection.execute(fill_statement(selection, count_max))
    return dict.fromkeys(STATUSES, 0) | {status: rows for status, rows in found}  # noqa: C416 - rows are no pairs


class _Find(NamedTuple):
    position: Position
    status: str


async def _finds(connection: Connection, selection: Selection, count_max: int) -> list[_Find]:
    """Return everything that a search finds, in no order; `count_max` + 1 finds when there are more."""
    await connection.execute(BY_INVERTED_INDEX)
    statement = (
        select(FEEDBACK.c.id, FEEDBACK.c.first_seen, FEEDBACK.c.status)
        .where(*matches(selection))
        .limit(count_max + 1)
    )
    rows = await connection.execute(statement)
    return [_Find(Position(row.first_seen, row.id), row.status) for row in rows]


def _counted(finds: Sequence[_Find], count_max: int) -> Mapping[str, int | None]:
    if len(finds) > count_max:
        return dict.fromkeys(STATUSES, None)
    counts = Counter(find.status for find in finds)
    return {status: counts[status] for status in STATUSES}


def newest_finds_statement(
    selection: Selection, rows_max: int, position: Position | None = None, *, backward: bool = False
) -> Select[Any]:
    """Return the statement for what a search finds among `rows_max` rows of its organization.

    They are the newest ones, or those next to a position; each row of the answer also has how many there are.
    """
    beyond = [] if position is None else [is_beyond(position, backward)]
    near = (
        select(FEEDBACK.c.id)
        .where(FEEDBACK.c.organization_id == selection.organization_id, *beyond)
        .order_by(*in_time(FEEDBACK.c, backward))
        .limit(rows_max)
        .cte("near")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    found = (
        select(FEEDBACK.c.id, FEEDBACK.c.first_seen, FEEDBACK.c.status)
        .join_from(near, FEEDBACK, FEEDBACK.c.id == near.c.id)
        .where(*matches(selection))
        .subquery("found")
    )
    looked_at = select(func.count().label("rows")).select_from(near).subquery("looked_at")
    return select(looked_at.c.rows, found.c.id, found.c.first_seen, found.c.status).select_from(
        looked_at.outerjoin(found, true())
    )


async def _look(
    connection: Connection,
    selection: Selection,
    position: Position | None = None,
    *,
    rows_max: int = NEAR_ROWS_MAX,
    backward: bool = False,
) -> tuple[list[_Find], bool]:
    """Return what a search finds nearby, and whether that is everything up to the list's end."""
    await connection.execute(IN_ORDER)
    statement = newest_finds_statement(selection, rows_max, position, backward=backward)
    rows = list(await connection.execute(statement))
    finds = [_Find(Position(row.first_seen, row.id), row.status) for row in rows if row.id is not None]
    return finds, rows[0].rows < rows_max


async def read_mailbox(
    connection: Connection,
    everywhere: Selection,
    shown: Selection,
    limit: int,
    position: Position | None = None,
    *,
    backward: bool = False,
    count_max: int,
) -> tuple[list[Feedback], Mapping[str, int | None]]:
    """Return a page of `shown`, and the counts of the mailboxes of `everywhere`, of which it is a part.

    A search is looked up among the newest rows first. What is common is met there, and is not counted: an inverted
    index would have to find all of it. What is rare is looked up once for both.
    """
    if not shown.is_search or shown.is_empty:
        counts = await count_mailboxes(connection, everywhere, count_max)
        page = await read_page(connection, shown, limit, position, backward=backward)
        return page.rows, counts
    finds, is_all = await _look(connection, everywhere)
    is_common = not is_all and len(finds) > NEAR_ROWS_MAX * COMMON_PART_MIN
    if not is_all and not is_common:
        finds = await _finds(connection, everywhere, count_max)
    counts = dict.fromkeys(STATUSES, None) if is_common else _counted(finds, count_max)
    places = _places(finds, shown, limit, position, backward)
    if is_common and (position is not None or len(places) < limit):
        for rows_max in (NEAR_ROWS_MAX, 10 * NEAR_ROWS_MAX):
            finds, _ = await _look(connection, shown, position, rows_max=rows_max, backward=backward)
            places = _places(finds, shown, limit, position, backward)
            if len(places) == limit:
                break
    if is_all or (len(places) == limit if is_common else len(finds) <= count_max):
        rows = await list_places(connection, places)
        if len(rows) == len(places):  # else some were deleted meanwhile, and others move up
            return rows, counts
    page = await read_page(connection, shown, limit, position, backward=backward)
    return page.rows, counts


def _places(
    finds: Sequence[_Find], shown: Selection, limit: int, position: Position | None, backward: bool
) -> list[Position]:
    return cut([find.position for find in finds if find.status in shown.statuses], limit, position, backward)
