"""The audit log: who changed what in an organization, and when."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from hearback_kit.db import Connection
from hearback_kit.db.rows import Window, columns, read_window, record
from sqlalchemy import delete, insert, select

from registry.store.rows import count
from registry.store.tables import audit_logs, users


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


async def add_entry(connection: Connection, **columns: Any) -> None:
    """Add an entry with these columns."""
    await connection.execute(insert(audit_logs).values(columns))


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
    return await read_window(connection, partial(record, AuditLogEntry), query, (audit_logs.c.id,), window)


async def count_entries(connection: Connection, organization_id: int, event: str, since: datetime) -> int:
    """Count an organization's entries of an event since a time."""
    return await count(
        connection,
        audit_logs,
        audit_logs.c.organization_id == organization_id,
        audit_logs.c.event == event,
        audit_logs.c.created_at > since,
    )


async def remove_before(connection: Connection, time: datetime) -> None:
    """Delete entries older than a time."""
    await connection.execute(delete(audit_logs).where(audit_logs.c.created_at < time))
