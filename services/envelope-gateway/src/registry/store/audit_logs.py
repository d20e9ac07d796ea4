"""The audit log: who changed what in an organization, and when."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from hearback_contracts.audit import AuditEntryRecorded
from hearback_kit.db import Connection
from hearback_kit.db.prepared import fetch
from hearback_kit.db.rows import Window, columns, delete_some, read_window, record
from sqlalchemy import insert, select

from registry.store.rows import count
from registry.store.tables import audit_logs, users

SORT_KEY: Final = (audit_logs.c.created_at, audit_logs.c.id)
# An actor whose account is gone has its label only. What was added before is skipped.
_ADD_RECORDED: Final = """
    WITH entry AS (
        SELECT * FROM unnest(
            $1::uuid[], $2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::bigint[], $8::text[],
            $9::timestamptz[]
        ) AS given (
            message_id, organization_id, event, actor_id, actor_label, address, target_object, data, created_at
        )
    ), added AS (
        INSERT INTO audit_logs (
            message_id, organization_id, event, actor_id, actor_label, address, target_object, data, created_at
        )
        SELECT message_id, organization_id, event, users.id, actor_label, address, target_object, data::jsonb,
            entry.created_at
        FROM entry
        JOIN organizations ON organizations.id = organization_id
        LEFT JOIN users ON users.id = actor_id
        ORDER BY entry.created_at, message_id
        ON CONFLICT (message_id) DO NOTHING
    )
    SELECT message_id FROM entry
    WHERE NOT EXISTS (SELECT FROM organizations WHERE organizations.id = organization_id)
"""


@dataclass(frozen=True, slots=True)
class AuditLogEntry:
    """A change; the accounts of actor and target user are None if missing or deleted."""

    id: int
    event: str
    actor_id: int | None
    actor_label: str
    actor_name: str | None
    address: str | None
    target_object: int | None
    target_user_id: int | None
    target_email: str | None
    target_name: str | None
    data: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AuditLogFilter:
    """A filter of entries; None does not filter."""

    event: str | None = None
    actor_id: int | None = None


def position(entry: AuditLogEntry) -> tuple[datetime, int]:
    """Return an entry's place in the log: its values of SORT_KEY."""
    return entry.created_at, entry.id


async def add_entry(connection: Connection, **columns: Any) -> None:
    """Add an entry with these columns."""
    await connection.execute(insert(audit_logs).values(columns))


async def add_recorded(connection: Connection, entries: Sequence[AuditEntryRecorded]) -> set[UUID]:
    """Add entries that were not added before; return the ids of those whose organization does not exist.

    Raise ValueError for an id that is no UUID, and for data that is no JSON.
    """
    rows = await fetch(
        connection,
        _ADD_RECORDED,
        [UUID(entry.id) for entry in entries],
        [entry.organization_id for entry in entries],
        [entry.event for entry in entries],
        [entry.actor_id for entry in entries],
        [entry.actor_label for entry in entries],
        [entry.address for entry in entries],
        [entry.target for entry in entries],
        [json.dumps(entry.data, allow_nan=False) for entry in entries],
        [entry.occurred_at for entry in entries],
    )
    return {row[0] for row in rows}


async def list_entries(
    connection: Connection, organization_id: int, wanted: AuditLogFilter, window: Window
) -> list[AuditLogEntry]:
    """Return a page of an organization's log, the newest entry first."""
    targets = users.alias()
    of_users = {"actor_name": users.c.name, "target_email": targets.c.email, "target_name": targets.c.name}
    query = (
        select(*columns(AuditLogEntry, audit_logs, **of_users))
        .outerjoin(users, users.c.id == audit_logs.c.actor_id)
        .outerjoin(targets, targets.c.id == audit_logs.c.target_user_id)
        .where(audit_logs.c.organization_id == organization_id)
    )
    if wanted.event is not None:
        query = query.where(audit_logs.c.event == wanted.event)
    if wanted.actor_id is not None:
        query = query.where(audit_logs.c.actor_id == wanted.actor_id)
    return await read_window(connection, partial(record, AuditLogEntry), query, SORT_KEY, window)


async def count_entries(connection: Connection, organization_id: int, event: str, since: datetime) -> int:
    """Count an organization's entries of an event since a time."""
    return await count(
        connection,
        audit_logs,
        audit_logs.c.organization_id == organization_id,
        audit_logs.c.event == event,
        audit_logs.c.created_at > since,
    )


async def remove_before(connection: Connection, time: datetime, limit: int) -> int:
    """Delete up to `limit` entries older than a time; return how many."""
    return await delete_some(connection, audit_logs, audit_logs.c.created_at < time, limit=limit)
