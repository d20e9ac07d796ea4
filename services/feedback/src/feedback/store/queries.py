"""Reading feedback: pages of a list, counts, single issues."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hearback_kit.db import Connection
from sqlalchemy import (
    Row,
    Select,
    func,
    literal_column,
    select,
)

from feedback.store.search import Condition
from feedback.store.tables import FEEDBACK

_LEFT_OUT_OF_LISTS = ("event", "facets", "search", "fingerprint", "occurrence_id")
LIST_COLUMNS = tuple(column for column in FEEDBACK.c if column.name not in _LEFT_OUT_OF_LISTS)
_DETAIL_COLUMNS = tuple(column for column in FEEDBACK.c if column.name not in {"facets", "search"})


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a list: the sort key of a row."""

    received_at: datetime
    id: int


@dataclass(frozen=True, slots=True)
class Selection:
    """Which feedback: of these projects, in these mailboxes, meeting all conditions."""

    organization_id: int
    project_ids: Sequence[int]
    statuses: Sequence[str]
    conditions: Sequence[Condition] = field(default_factory=tuple)
    is_search: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing can be found."""
        return not (self.project_ids and self.statuses)


def matches(selection: Selection) -> list[Condition]:
    """The conditions that a row of the selection meets."""
    return [
        FEEDBACK.c.project_id.in_(list(selection.project_ids)),
        FEEDBACK.c.status.in_(list(selection.statuses)),
        *selection.conditions,
    ]


def count_statement(selection: Selection, count_max: int | None = None) -> Select[Any]:
    """How many rows there are, counting no further than `count_max`."""
    found: Select[Any] = select(literal_column("1")).where(*matches(selection)).limit(count_max)
    return select(func.count()).select_from(found.subquery())


async def count(connection: Connection, selection: Selection, count_max: int | None = None) -> int:
    """How many rows there are, counting no further than `count_max`."""
    if selection.is_empty:
        return 0
    found: int = (await connection.execute(count_statement(selection, count_max))).scalar_one()
    return found


async def list_by_ids(connection: Connection, organization_id: int, ids: Sequence[int]) -> list[Row[Any]]:
    """The feedback with these ids, of one organization, newest first."""
    statement = (
        select(*LIST_COLUMNS)
        .where(FEEDBACK.c.id.in_(list(ids)), FEEDBACK.c.organization_id == organization_id)
        .order_by(FEEDBACK.c.received_at.desc(), FEEDBACK.c.id.desc())
    )
    return list(await connection.execute(statement))


async def find_issue(connection: Connection, issue_id: int, organization_id: int | None) -> Row[Any] | None:
    """One feedback with its event, of one organization (None: of whichever), or None."""
    conditions = [FEEDBACK.c.id == issue_id]
    if organization_id is not None:
        conditions.append(FEEDBACK.c.organization_id == organization_id)
    return (await connection.execute(select(*_DETAIL_COLUMNS).where(*conditions))).one_or_none()


async def find_by_short_id(
    connection: Connection, organization_id: int, short_id: str, project_ids: Sequence[int] | None = None
) -> Row[Any] | None:
    """The newest feedback with a short id such as `WEB-12`, or None."""
    conditions = [FEEDBACK.c.organization_id == organization_id, FEEDBACK.c.short_id == short_id.upper()]
    if project_ids is not None:
        conditions.append(FEEDBACK.c.project_id.in_(list(project_ids)))
    statement = select(*_DETAIL_COLUMNS).where(*conditions).order_by(FEEDBACK.c.id.desc()).limit(1)
    return (await connection.execute(statement)).one_or_none()
