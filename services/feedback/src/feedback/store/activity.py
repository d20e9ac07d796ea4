"""The activity of feedback: who changed what, and when."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from hearback_kit.db import Connection
from hearback_kit.db.rows import columns, list_records
from sqlalchemy import insert, select

from feedback.domain.activity import SEEN, Activity, Change
from feedback.store.tables import ACTIVITY, FEEDBACK

_COLUMNS = columns(Activity, ACTIVITY)


async def record_activity(
    connection: Connection, changes: Sequence[Change], *, change_id: str, at: datetime, actor: str | None
) -> None:
    """Record changes that one request makes."""
    if changes:
        common = {"change_id": change_id, "at": at, "actor": actor}
        await connection.execute(insert(ACTIVITY), [asdict(change) | common for change in changes])


async def list_activity(connection: Connection, feedback_id: int, limit: int) -> list[Activity]:
    """Return a feedback's latest changes, newest first, without seen marks."""
    statement = (
        select(*_COLUMNS)
        .where(ACTIVITY.c.feedback_id == feedback_id, ACTIVITY.c.kind != SEEN)
        .order_by(ACTIVITY.c.id.desc())
        .limit(limit)
    )
    return await list_records(connection, Activity, statement)


async def list_changes(
    connection: Connection, organization_id: int, change_id: str, limit: int, after: int = 0
) -> list[Activity]:
    """Return the changes of one request, at most `limit` with ids above `after`."""
    statement = (
        select(*_COLUMNS)
        .join(FEEDBACK, FEEDBACK.c.id == ACTIVITY.c.feedback_id)
        .where(
            ACTIVITY.c.change_id == change_id,
            ACTIVITY.c.id > after,
            FEEDBACK.c.organization_id == organization_id,
        )
        .order_by(ACTIVITY.c.id)
        .limit(limit)
    )
    return await list_records(connection, Activity, statement)
