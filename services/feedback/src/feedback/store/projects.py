"""Per project: the number of short ids used, and the flags that were announced to the registry."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hearback_kit.db import Connection
from hearback_kit.db.prepared import Prepared
from hearback_kit.db.rowsets import Types, arrays
from sqlalchemy import BigInteger, Boolean, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningInsert

from feedback.store.tables import PROJECT


@dataclass(frozen=True, slots=True)
class Announcement:
    """A project that has feedback; `has_new_feedbacks` if any came in a feedback envelope."""

    project_id: int
    has_new_feedbacks: bool


def _take_statement() -> ReturningInsert[Any]:
    types: Types = {"id": BigInteger(), "numbers_used": BigInteger(), "has_new_feedbacks": Boolean()}
    given = arrays("given", types)
    statement = insert(PROJECT).from_select(list(types), select(given).order_by(given.c.id))
    return statement.on_conflict_do_update(
        index_elements=[PROJECT.c.id],
        set_={
            "numbers_used": PROJECT.c.numbers_used + statement.excluded.numbers_used,
            "has_new_feedbacks": PROJECT.c.has_new_feedbacks | statement.excluded.has_new_feedbacks,
        },
    ).returning(PROJECT.c.id, PROJECT.c.numbers_used)


_TAKE: Final = Prepared(_take_statement())


async def take_numbers(
    connection: Connection, wanted: Mapping[int, int], with_new: Collection[int]
) -> dict[int, int]:
    """Take `wanted[project]` short-id numbers per project; return the first of each.

    `with_new` are the projects that got feedback in a feedback envelope. Rows are locked in the order of their
    ids, so that two workers cannot wait for each other.
    """
    projects = sorted(wanted)
    rows = await _TAKE.execute(
        connection,
        id=projects,
        numbers_used=[wanted[project] for project in projects],
        has_new_feedbacks=[project in with_new for project in projects],
    )
    return {project: used - wanted[project] + 1 for project, used in rows}


async def list_unannounced(connection: Connection, limit: int) -> list[Announcement]:
    """Return projects whose flags have not been announced."""
    statement = (
        select(PROJECT.c.id, PROJECT.c.has_new_feedbacks)
        .where(PROJECT.c.announced_new_feedbacks.is_distinct_from(PROJECT.c.has_new_feedbacks))
        .order_by(PROJECT.c.id)
        .limit(limit)
    )
    return [Announcement(*row) for row in await connection.execute(statement)]


async def mark_announced(connection: Connection, announcements: Sequence[Announcement]) -> None:
    """Record announced flags."""
    for announced in (False, True):
        ids = [a.project_id for a in announcements if a.has_new_feedbacks is announced]
        if ids:
            await connection.execute(
                update(PROJECT).where(PROJECT.c.id.in_(ids)).values(announced_new_feedbacks=announced)
            )


async def list_project_ids(connection: Connection) -> list[int]:
    """Return every project that ever had feedback."""
    return list((await connection.execute(select(PROJECT.c.id).order_by(PROJECT.c.id))).scalars())
