"""The events of an error group: listed by keyset, newest first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from hearback_kit.db import Connection
from hearback_kit.db.rows import Window, read_window
from sqlalchemy import Select, func, select

from user_reports.domain.model import IndexedEvent
from user_reports.store.events import COLUMNS, event_of
from user_reports.store.tables import EVENTS


class EventFilter(msgspec.Struct, frozen=True, kw_only=True):
    """A filter of a group's events; None does not filter, "" in `environments` means no environment."""

    group_id: int
    environments: Sequence[str] | None = None
    start: datetime | None = None
    end: datetime | None = None


def statement_of(wanted: EventFilter) -> Select[Any]:
    """Select the filtered events, unordered."""
    statement = select(*COLUMNS).where(EVENTS.c.group_id == wanted.group_id)
    if wanted.environments is not None:
        statement = statement.where(func.coalesce(EVENTS.c.environment, "").in_(list(wanted.environments)))
    if wanted.start is not None:
        statement = statement.where(EVENTS.c.received_at >= wanted.start)
    if wanted.end is not None:
        statement = statement.where(EVENTS.c.received_at <= wanted.end)
    return statement


async def list_group_events(connection: Connection, wanted: EventFilter, window: Window) -> list[IndexedEvent]:
    """Return the events of a window, newest first; positions are (time of receipt, event id as UUID)."""
    key = (EVENTS.c.received_at, EVENTS.c.event_id)
    return await read_window(connection, event_of, statement_of(wanted), key, window)


async def list_event_ids(connection: Connection, group_id: int, limit: int) -> list[str]:
    """Return the ids of a group's newest events (index-only scan)."""
    newest = (EVENTS.c.received_at.desc(), EVENTS.c.event_id.desc())
    statement = select(EVENTS.c.event_id).where(EVENTS.c.group_id == group_id).order_by(*newest).limit(limit)
    return [found.hex for found in await connection.scalars(statement)]


async def find_oldest_event(connection: Connection, group_id: int) -> IndexedEvent | None:
    """Return the group's event received first, or None."""
    statement = statement_of(EventFilter(group_id=group_id)).order_by(EVENTS.c.received_at, EVENTS.c.event_id)
    row = (await connection.execute(statement.limit(1))).first()
    return None if row is None else event_of(row)
