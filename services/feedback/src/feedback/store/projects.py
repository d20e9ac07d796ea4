"""What is kept per project: which ones have feedback, and what the registry knows of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hearback_kit.db import Connection
from sqlalchemy import delete, select, update

from feedback.store.tables import CLOSED_SUBMISSION, PROJECT


@dataclass(frozen=True, slots=True)
class Announcement:
    """That a project has feedback, and whether any of it came the new way."""

    project_id: int
    has_new_feedbacks: bool


async def list_unannounced(connection: Connection, limit: int) -> list[Announcement]:
    """Projects whose flags the registry does not know yet."""
    statement = (
        select(PROJECT.c.id, PROJECT.c.has_new_feedbacks)
        .where(PROJECT.c.announced_new_feedbacks.is_distinct_from(PROJECT.c.has_new_feedbacks))
        .order_by(PROJECT.c.id)
        .limit(limit)
    )
    return [Announcement(*row) for row in await connection.execute(statement)]


async def mark_announced(connection: Connection, announcements: Sequence[Announcement]) -> None:
    """Remember what the registry was told."""
    for told in (False, True):
        ids = [a.project_id for a in announcements if a.has_new_feedbacks is told]
        if ids:
            await connection.execute(
                update(PROJECT).where(PROJECT.c.id.in_(ids)).values(announced_new_feedbacks=told)
            )


async def list_project_ids(connection: Connection) -> list[int]:
    """Every project that ever had feedback."""
    return list((await connection.execute(select(PROJECT.c.id).order_by(PROJECT.c.id))).scalars())


async def forget_closed(connection: Connection, before: datetime, limit: int) -> int:
    """Forget at most `limit` submissions that were closed before a time; returns how many."""
    table = CLOSED_SUBMISSION
    old = (
        select(table.c.project_id, table.c.event_id)
        .where(table.c.closed_at < before)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .subquery()
    )
    statement = delete(table).where(table.c.project_id == old.c.project_id, table.c.event_id == old.c.event_id)
    result = await connection.execute(statement)
    return result.rowcount
