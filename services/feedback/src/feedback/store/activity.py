"""Who changed what of feedback, and when."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from hearback_kit.db import Connection
from sqlalchemy import insert, select

from feedback.domain.activity import SEEN, Activity, Change
from feedback.store.tables import ACTIVITY, FEEDBACK

_NAMES = tuple(field.name for field in fields(Activity))
_COLUMNS = tuple(ACTIVITY.c[name] for name in _NAMES)


def _as_activity(row: Any) -> Activity:
    return Activity(**dict(zip(_NAMES, row, strict=True)))


async def record_activity(
    connection: Connection, changes: Sequence[Change], *, change_id: str, at: datetime, actor: str | None
) -> None:
    """Record changes that one request makes."""
    if changes:
        common = {"change_id": change_id, "at": at, "actor": actor}
        await connection.execute(insert(ACTIVITY), [asdict(change) | common for change in changes])


async def list_activity(connection: Connection, feedback_id: int, limit: int) -> list[Activity]:
    """Return the newest changes of a feedback that are shown, newest first."""
    statement = (
        select(*_COLUMNS)
        .where(ACTIVITY.c.feedback_id == feedback_id, ACTIVITY.c.kind != SEEN)
        .order_by(ACTIVITY.c.id.desc())
        .limit(limit)
    )
    return [_as_activity(row) for row in await connection.execute(statement)]


async def list_changes(
    connection: Connection, organization_id: int, change_id: str, limit: int, after: int = 0
) -> list[Activity]:
    """Return what a request changed of an organization's feedback: at most `limit`, of ids above `after`."""
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
    return [_as_activity(row) for row in await connection.execute(statement)]
