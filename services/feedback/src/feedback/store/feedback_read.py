"""Read feedback: selections, their counts, and single issues."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Final, NamedTuple

from hearback_kit.db import Connection
from hearback_kit.db.planning import IN_ORDER
from hearback_kit.db.rows import columns, find_record, list_records, unindexed
from hearback_kit.values.ids import parse_id
from sqlalchemy import Column, ColumnElement, Interval, Select, func, literal_column, select
from sqlalchemy.sql.visitors import replacement_traverse

from feedback.domain.feedback import Feedback, FeedbackDetail
from feedback.store.compact_rows import whole
from feedback.store.facet_conditions import Condition
from feedback.store.tables import FEEDBACK

_LIST_NAMES = tuple(column.name for column in fields(Feedback))
LIST_COLUMNS = tuple(FEEDBACK.c[name] for name in _LIST_NAMES)
DETAIL_COLUMNS = columns(FeedbackDetail, FEEDBACK)


def as_feedback(row: Any) -> Feedback:
    """Return a row of `LIST_COLUMNS` as a feedback."""
    return whole(Feedback(**dict(zip(_LIST_NAMES, row, strict=True))))


async def list_details(connection: Connection, statement: Select[Any]) -> list[FeedbackDetail]:
    """Return the feedback of a statement for `DETAIL_COLUMNS`."""
    return [whole(found) for found in await list_records(connection, FeedbackDetail, statement)]


async def _find_detail(connection: Connection, statement: Select[Any]) -> FeedbackDetail | None:
    found = await find_record(connection, FeedbackDetail, statement)
    return None if found is None else whole(found)


class Position(NamedTuple):
    """A position in a list: the sort key of a row."""

    first_seen: datetime
    id: int


@dataclass(frozen=True, slots=True)
class Selection:
    """A filter of feedback: its projects, its mailboxes, and further conditions.

    `is_search` is whether an inverted index serves it, `is_alone` whether no other index may serve it beside.
    """

    organization_id: int
    project_ids: Sequence[int]
    statuses: Sequence[str]
    conditions: Sequence[Condition] = field(default_factory=tuple)
    is_search: bool = False
    is_alone: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether it can match nothing."""
        return not (self.project_ids and self.statuses)


def matches(selection: Selection) -> list[Condition]:
    """Return the conditions of a selection."""
    found = [
        FEEDBACK.c.project_id.in_(list(selection.project_ids)),
        FEEDBACK.c.status.in_(list(selection.statuses)),
        *selection.conditions,
    ]
    return [replacement_traverse(one, {}, _unindexed) for one in found] if selection.is_alone else found


# Of the index of lists: as expressions that it does not have.
_UNINDEXED: Final[Mapping[Any, ColumnElement[Any]]] = {
    FEEDBACK.c.project_id: unindexed(FEEDBACK.c.project_id),
    FEEDBACK.c.status: FEEDBACK.c.status.concat(literal_column("''")),
    FEEDBACK.c.first_seen: FEEDBACK.c.first_seen + literal_column("interval '0'", Interval()),
}


def _unindexed(element: Any, **_: Any) -> ColumnElement[Any] | None:
    return _UNINDEXED.get(element) if isinstance(element, Column) else None


def count_statement(selection: Selection, count_max: int | None = None) -> Select[Any]:
    """Return the statement that counts a selection's rows, up to `count_max`."""
    found: Select[Any] = select(literal_column("1")).where(*matches(selection)).limit(count_max)
    return select(func.count()).select_from(found.subquery())


async def count_feedback(connection: Connection, selection: Selection, count_max: int | None = None) -> int:
    """Count a selection's rows, up to `count_max`."""
    if selection.is_empty:
        return 0
    found: int = (await connection.execute(count_statement(selection, count_max))).scalar_one()
    return found


async def list_ids(connection: Connection, selection: Selection, limit: int, after: int = 0) -> list[int]:
    """Return up to `limit` ids of a selection above `after`, in ascending order."""
    if selection.is_empty:
        return []
    statement = (
        select(FEEDBACK.c.id)
        .where(FEEDBACK.c.id > after, *matches(selection))
        .order_by(FEEDBACK.c.id)
        .limit(limit)
    )
    return list((await connection.execute(statement)).scalars())


def among_statement(selection: Selection, ids: Collection[int]) -> Select[Any]:
    """Return the statement for those of the ids that are in a selection, in ascending order."""
    return select(FEEDBACK.c.id).where(FEEDBACK.c.id.in_(sorted(ids)), *matches(selection)).order_by(FEEDBACK.c.id)


async def list_among(connection: Connection, selection: Selection, ids: Collection[int]) -> list[int]:
    """Return which of these ids are in a selection, in ascending order."""
    if selection.is_empty or not ids:
        return []
    await connection.execute(IN_ORDER)
    return list((await connection.execute(among_statement(selection, ids))).scalars())


async def list_by_ids(connection: Connection, project_ids: Collection[int], ids: Sequence[int]) -> list[Feedback]:
    """Return the feedback with these ids, of these projects, newest first."""
    statement = (
        select(*LIST_COLUMNS)
        .where(FEEDBACK.c.id.in_(list(ids)), FEEDBACK.c.project_id.in_(sorted(project_ids)))
        .order_by(FEEDBACK.c.first_seen.desc(), FEEDBACK.c.id.desc())
    )
    return [as_feedback(row) for row in await connection.execute(statement)]


async def find_by_id(
    connection: Connection, issue_id: int, organization_ids: Collection[int]
) -> FeedbackDetail | None:
    """Return one feedback with its event, of one of the organizations, or None."""
    statement = select(*DETAIL_COLUMNS).where(
        FEEDBACK.c.id == issue_id, FEEDBACK.c.organization_id.in_(sorted(organization_ids))
    )
    return await _find_detail(connection, statement)


async def find_by_short_id(
    connection: Connection, organization_ids: Collection[int], short_id: str
) -> FeedbackDetail | None:
    """Return the newest feedback with a short id such as `WEB-12`; None if it is unknown or ambiguous."""
    statement = (
        select(*DETAIL_COLUMNS)
        .where(FEEDBACK.c.organization_id.in_(sorted(organization_ids)), FEEDBACK.c.short_id == short_id.upper())
        .order_by(FEEDBACK.c.id.desc())
    )
    found = await list_details(connection, statement)
    return found[0] if len({row.organization_id for row in found}) == 1 else None


async def find_by_name(
    connection: Connection, organization_ids: Collection[int], text: str
) -> FeedbackDetail | None:
    """Return the feedback with an id or short id; see `find_by_id` and `find_by_short_id`."""
    if not (text.isascii() and text.isdigit()):
        return await find_by_short_id(connection, organization_ids, text)
    number = parse_id(text)
    return None if number is None else await find_by_id(connection, number, organization_ids)


async def find_by_event(
    connection: Connection, project_ids: Collection[int], event_id: str
) -> FeedbackDetail | None:
    """Return the newest feedback with an event id, of one of the projects, or None."""
    statement = (
        select(*DETAIL_COLUMNS)
        .where(FEEDBACK.c.event_id == event_id, unindexed(FEEDBACK.c.project_id).in_(sorted(project_ids)))
        .order_by(unindexed(FEEDBACK.c.id).desc())
        .limit(1)
    )
    return await _find_detail(connection, statement)


async def find_numbers(connection: Connection, organization_id: int, short_ids: Collection[str]) -> list[int]:
    """Return the ids of an organization's feedback with these short ids."""
    if not short_ids:
        return []
    statement = select(FEEDBACK.c.id).where(
        FEEDBACK.c.organization_id == organization_id,
        FEEDBACK.c.short_id.in_(sorted({short_id.upper() for short_id in short_ids})),
    )
    return list((await connection.execute(statement)).scalars())
