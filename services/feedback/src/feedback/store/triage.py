"""Changing and deleting feedback."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hearback_kit.db import Connection
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from feedback.store.attachments import delete_of_events
from feedback.store.queries import Selection, matches
from feedback.store.tables import CLOSED_SUBMISSION, FEEDBACK


@dataclass(frozen=True, slots=True)
class Removed:
    """A feedback that was deleted."""

    id: int
    organization_id: int
    project_id: int
    event_id: str
    submission_id: str
    revision: int
    source: str


@dataclass(frozen=True, slots=True)
class Changed:
    """A feedback that was changed, with the mailbox it was in before."""

    id: int
    organization_id: int
    project_id: int
    submission_id: str
    source: str
    status_before: str


_CHANGED = (
    FEEDBACK.c.id,
    FEEDBACK.c.organization_id,
    FEEDBACK.c.project_id,
    FEEDBACK.c.submission_id,
    FEEDBACK.c.source,
    FEEDBACK.c.status,
)
_REMOVED = (
    FEEDBACK.c.id,
    FEEDBACK.c.organization_id,
    FEEDBACK.c.project_id,
    FEEDBACK.c.event_id,
    FEEDBACK.c.submission_id,
    FEEDBACK.c.revision,
    FEEDBACK.c.source,
)


async def find_ids(connection: Connection, selection: Selection, limit: int, after: int = 0) -> list[int]:
    """Ids above `after` of at most `limit` rows of a selection, in ascending order."""
    if selection.is_empty:
        return []
    statement = (
        select(FEEDBACK.c.id)
        .where(
            FEEDBACK.c.id > after,
            *matches(selection),
        )
        .order_by(FEEDBACK.c.id)
        .limit(limit)
    )
    return list((await connection.execute(statement)).scalars())


async def change(
    connection: Connection,
    organization_id: int,
    project_ids: Sequence[int],
    ids: Sequence[int],
    changes: Mapping[str, Any],
) -> list[Changed]:
    """Set columns of feedback by id; returns those that exist in the organization's projects.

    Rows are locked in the order of their ids, so that two requests cannot wait for each other.
    """
    mine = (
        select(*_CHANGED)
        .where(
            FEEDBACK.c.id.in_(list(ids)),
            FEEDBACK.c.organization_id == organization_id,
            FEEDBACK.c.project_id.in_(list(project_ids)),
        )
        .order_by(FEEDBACK.c.id)
        .with_for_update()
    )
    found = [Changed(*row) for row in await connection.execute(mine)]
    if found and changes:
        chosen = FEEDBACK.c.id.in_([feedback.id for feedback in found])
        await connection.execute(update(FEEDBACK).where(chosen).values(dict(changes)))
    return found


async def remove(
    connection: Connection,
    organization_id: int,
    project_ids: Sequence[int],
    ids: Sequence[int],
    at: datetime,
    reason: str,
) -> list[Removed]:
    """Delete feedback of these projects by id and close its submissions: a redelivery does not bring it back."""
    locked = (
        select(FEEDBACK.c.id)
        .where(
            FEEDBACK.c.id.in_(list(ids)),
            FEEDBACK.c.organization_id == organization_id,
            FEEDBACK.c.project_id.in_(list(project_ids)),
        )
        .order_by(FEEDBACK.c.id)
        .with_for_update()
    )
    found = list((await connection.execute(locked)).scalars())
    return await _remove(connection, found, at, reason)


async def _remove(connection: Connection, ids: Sequence[int], at: datetime, reason: str) -> list[Removed]:
    if not ids:
        return []
    statement = delete(FEEDBACK).where(FEEDBACK.c.id.in_(list(ids))).returning(*_REMOVED)
    removed = [Removed(*row) for row in await connection.execute(statement)]
    if removed:
        await _close(connection, removed, at, reason)
        keys = [(feedback.project_id, feedback.event_id) for feedback in removed]
        await delete_of_events(connection, keys, at, reason)
    return removed


async def _close(connection: Connection, removed: Sequence[Removed], at: datetime, reason: str) -> None:
    statement = insert(CLOSED_SUBMISSION).values(
        [
            {
                "project_id": feedback.project_id,
                "event_id": feedback.event_id,
                "revision": feedback.revision,
                "reason": reason,
                "closed_at": at,
            }
            for feedback in sorted(removed, key=lambda feedback: (feedback.project_id, feedback.event_id))
        ]
    )
    table = CLOSED_SUBMISSION
    statement = statement.on_conflict_do_update(
        index_elements=[table.c.project_id, table.c.event_id],
        set_={
            "revision": func.greatest(table.c.revision, statement.excluded.revision),
            "reason": statement.excluded.reason,
            "closed_at": statement.excluded.closed_at,
        },
    )
    await connection.execute(statement)


async def remove_older(
    connection: Connection, project_id: int, before: datetime, limit: int, at: datetime, reason: str
) -> list[Removed]:
    """Delete at most `limit` of a project's feedback received before a time, oldest first."""
    expired = (
        select(FEEDBACK.c.id)
        .where(
            FEEDBACK.c.project_id == project_id,
            FEEDBACK.c.status.in_(["unresolved", "resolved", "ignored"]),
            FEEDBACK.c.received_at < before,
        )
        .order_by(FEEDBACK.c.received_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    found = list((await connection.execute(expired)).scalars())
    return await _remove(connection, found, at, reason)
