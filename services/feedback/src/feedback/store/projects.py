"""What is kept per project: the short ids used, and which flags the registry knows of."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from hearback_kit.db import Connection
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from feedback.store.tables import PROJECT


@dataclass(frozen=True, slots=True)
class Announcement:
    """That a project has feedback, and whether any came in a feedback envelope."""

    project_id: int
    has_new_feedbacks: bool


async def take_numbers(
    connection: Connection, wanted: Mapping[int, int], with_new: Collection[int]
) -> dict[int, int]:
    """Take `wanted[project]` short-id numbers per project; return the first of each.

    `with_new` are the projects that got feedback in a feedback envelope. Rows are locked in the order of their
    ids, so that two workers cannot wait for each other.
    """
    statement = insert(PROJECT).values(
        [
            {"id": project, "numbers_used": wanted[project], "has_new_feedbacks": project in with_new}
            for project in sorted(wanted)
        ]
    )
    statement = statement.on_conflict_do_update(
        index_elements=[PROJECT.c.id],
        set_={
            "numbers_used": PROJECT.c.numbers_used + statement.excluded.numbers_used,
            "has_new_feedbacks": PROJECT.c.has_new_feedbacks | statement.excluded.has_new_feedbacks,
        },
    )
    rows = await connection.execute(statement.returning(PROJECT.c.id, PROJECT.c.numbers_used))
    return {project: used - wanted[project] + 1 for project, used in rows}


async def list_unannounced(connection: Connection, limit: int) -> list[Announcement]:
    """Return projects whose flags the registry does not know yet."""
    statement = (
        select(PROJECT.c.id, PROJECT.c.has_new_feedbacks)
        .where(PROJECT.c.announced_new_feedbacks.is_distinct_from(PROJECT.c.has_new_feedbacks))
        .order_by(PROJECT.c.id)
        .limit(limit)
    )
    return [Announcement(*row) for row in await connection.execute(statement)]


async def mark_announced(connection: Connection, announcements: Sequence[Announcement]) -> None:
    """Record what the registry knows now."""
    for announced in (False, True):
        ids = [a.project_id for a in announcements if a.has_new_feedbacks is announced]
        if ids:
            await connection.execute(
                update(PROJECT).where(PROJECT.c.id.in_(ids)).values(announced_new_feedbacks=announced)
            )


async def list_project_ids(connection: Connection) -> list[int]:
    """Return every project that ever had feedback."""
    return list((await connection.execute(select(PROJECT.c.id).order_by(PROJECT.c.id))).scalars())
