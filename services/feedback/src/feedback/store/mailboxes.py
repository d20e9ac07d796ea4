"""How full the mailboxes are, counted no further than a bound: the cost is the same however much is stored."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from hearback_kit.db import Connection
from hearback_kit.db.rowsets import arrays
from sqlalchemy import (
    BigInteger,
    CompoundSelect,
    DateTime,
    Select,
    Text,
    cast,
    func,
    lateral,
    literal,
    literal_column,
    null,
    select,
    true,
    union_all,
)

from feedback.domain.feedback import Feedback
from feedback.domain.statuses import STATUSES
from feedback.store.feedback_pages import (
    BY_INVERTED_INDEX,
    IN_ORDER,
    cut,
    in_time,
    is_beyond,
    list_places,
    read_in_order,
    read_page,
)
from feedback.store.feedback_read import Position, Selection, matches
from feedback.store.tables import FEEDBACK

NEAR_ROWS_MAX: Final = 1_000  # rows that a search is looked up among before an inverted index is asked
COMMON_PART_MIN: Final = 0.01  # of these rows: what is found more often is common
FINDS_MAX: Final = 5_000  # that the database sorts; with more, the order of time meets a page of them soon


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
        counts, _ = await _read_finds(connection, selection, count_max)
        return counts or dict.fromkeys(STATUSES, None)
    await connection.execute(IN_ORDER)
    found = await connection.execute(fill_statement(selection, count_max))
    return dict.fromkeys(STATUSES, 0) | {status: rows for status, rows in found}  # noqa: C416 - rows are no pairs


class _Find(NamedTuple):
    position: Position
    status: str


@dataclass(frozen=True, slots=True)
class _Cut:
    """Which part of what is found a page shows."""

    statuses: Sequence[str]
    limit: int
    position: Position | None = None
    backward: bool = False


def finds_statement(selection: Selection, finds_max: int, part: _Cut | None = None) -> CompoundSelect[Any]:
    """Return the statement that counts all finds of a search by mailbox, and after them lists a page of them.

    It looks at `finds_max` + 1 finds at most, in no order; with so many the page is not the right one. Rows of
    counts have no id.
    """
    found = (
        select(FEEDBACK.c.id, FEEDBACK.c.first_seen, FEEDBACK.c.status)
        .where(*matches(selection))
        .limit(finds_max + 1)
        .cte("found")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    none = (cast(null(), BigInteger).label("id"), cast(null(), DateTime(timezone=True)).label("first_seen"))
    counted: Select[Any] = select(*none, found.c.status, func.count().label("rows")).group_by(found.c.status)
    columns = (found.c.id, found.c.first_seen, found.c.status, literal(0).label("rows"))
    if part is None:
        return union_all(counted)
    beyond = [] if part.position is None else [is_beyond(part.position, part.backward, found.c)]
    page: Select[Any] = (
        select(*columns)
        .where(found.c.status.in_(list(part.statuses)), *beyond)
        .order_by(*in_time(found.c, part.backward))
        .limit(part.limit)
    )
    return union_all(counted, select(page.subquery("page")))


async def _read_finds(
    connection: Connection, selection: Selection, finds_max: int, part: _Cut | None = None
) -> tuple[Mapping[str, int | None] | None, list[Position]]:
    """Return the counts of a search's mailboxes and the places of a page; None for more finds than `finds_max`."""
    await connection.execute(BY_INVERTED_INDEX)
    counts, places = dict.fromkeys(STATUSES, 0), []
    for row in await connection.execute(finds_statement(selection, finds_max, part)):
        if row.id is None:
            counts[row.status] = row.rows
        else:
            places.append(Position(row.first_seen, row.id))
    return (counts if sum(counts.values()) <= finds_max else None), places


def _counted(finds: Sequence[_Find]) -> Mapping[str, int | None]:
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
    part = _Cut(shown.statuses, limit, position, backward)
    finds, is_all = await _look(connection, everywhere)
    if is_all:
        counts, places, is_whole = _counted(finds), _places(finds, part), True
    elif len(finds) > NEAR_ROWS_MAX * COMMON_PART_MIN:
        counts = dict.fromkeys(STATUSES, None)
        places = await _near(connection, shown, part, finds)
        is_whole = len(places) == limit
    else:
        found, places = await _read_finds(connection, everywhere, FINDS_MAX, part)
        if found is None:
            rows = await read_in_order(connection, shown, limit, position, backward=backward)
            return rows, dict.fromkeys(STATUSES, None)
        counts, is_whole = found, True
    if is_whole:
        rows = await list_places(connection, places)
        if len(rows) == len(places):  # else some were deleted meanwhile, and others move up
            return rows, counts
    page = await read_page(connection, shown, limit, position, backward=backward)
    return page.rows, counts


async def _near(connection: Connection, shown: Selection, part: _Cut, newest: Sequence[_Find]) -> list[Position]:
    """Return the places of a page of what is common, found among the rows next to its position."""
    places = [] if part.position is not None else _places(newest, part)
    for rows_max in (NEAR_ROWS_MAX, 10 * NEAR_ROWS_MAX):
        if len(places) == part.limit:
            break
        finds, _ = await _look(connection, shown, part.position, rows_max=rows_max, backward=part.backward)
        places = _places(finds, part)
    return places


def _places(finds: Sequence[_Find], part: _Cut) -> list[Position]:
    wanted = [find.position for find in finds if find.status in part.statuses]
    return cut(wanted, part.limit, part.position, part.backward)
