"""The event index: look up by id, insert in batches."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
import orjson
from hearback_kit.db import Connection
from hearback_kit.db.columns import TIME
from hearback_kit.db.prepared import Prepared
from hearback_kit.db.rows import count_changed, delete_some, is_among
from hearback_kit.db.rowsets import rowset
from sqlalchemy import Row, Select, bindparam, delete, insert, literal_column, select

from user_reports.domain.model import IndexedEvent, Key
from user_reports.domain.occurrence import Occurrence
from user_reports.store.keys import is_of, key_parameters, keyset
from user_reports.store.tables import EVENTS

_FIELDS: Final = IndexedEvent.__struct_fields__
COLUMNS: Final = [EVENTS.c[name] for name in _FIELDS]


def _lookup(*, bounded: bool) -> Select[Any]:
    """One index probe per key and partition; bounds on the time of receipt leave partitions out."""
    wanted = keyset()
    found = select(*COLUMNS, EVENTS.c.message_id).where(is_of(wanted, EVENTS)).limit(1)
    if bounded:
        received_at = EVENTS.c.received_at
        found = found.where(received_at >= bindparam("earliest", type_=TIME))
        found = found.where(received_at <= bindparam("latest", type_=TIME))
    lateral = found.lateral("found")
    return select(lateral).select_from(wanted.join(lateral, literal_column("true")))


LOOKUP: Final = Prepared(_lookup(bounded=False))
LOOKUP_BOUNDED: Final = Prepared(_lookup(bounded=True))
_INSERT: Final = Prepared(
    insert(EVENTS).from_select([c.name for c in EVENTS.c], select(*rowset(EVENTS).c)).inline()
)


def event_of(row: Row[Any]) -> IndexedEvent:
    """Return the event in a row that starts with the event's columns."""
    values = dict(zip(_FIELDS, row, strict=False))
    values["event_id"] = row.event_id.hex
    return IndexedEvent(**values)


async def find_events(
    connection: Connection, keys: Sequence[Key], *, received: tuple[datetime, datetime] | None = None
) -> dict[Key, IndexedEvent]:
    """Return the indexed events among `keys`, optionally only those received within bounds (inclusive)."""
    rows = await _find(connection, keys, received)
    return {(row.project_id, row.event_id.hex): event_of(row) for row in rows}


async def find_deliveries(connection: Connection, keys: Sequence[Key]) -> dict[Key, str]:
    """Return the message ids of the indexed events among `keys`."""
    return {(row.project_id, row.event_id.hex): row.message_id.hex for row in await _find(connection, keys)}


async def _find(
    connection: Connection, keys: Sequence[Key], received: tuple[datetime, datetime] | None = None
) -> Iterable[Row[Any]]:
    if not keys:
        return ()
    bounds = {} if received is None else {"earliest": received[0], "latest": received[1]}
    statement = LOOKUP_BOUNDED if bounds else LOOKUP
    rows: Iterable[Row[Any]] = await statement.execute(connection, **key_parameters(keys), **bounds)
    return rows


async def find_event(connection: Connection, project_id: int, event_id: str) -> IndexedEvent | None:
    return (await find_events(connection, [(project_id, event_id)])).get((project_id, event_id))


async def insert_events(connection: Connection, occurrences: Sequence[Occurrence]) -> None:
    """Insert new events in one statement."""
    rows = [msgspec.structs.asdict(item.event) | {"message_id": item.message_id} for item in occurrences]
    if rows:
        await _INSERT.execute(connection, rows=orjson.dumps(rows).decode())


async def delete_events(connection: Connection, before: datetime, limit: int, project_id: int) -> int:
    """Delete up to `limit` of a project's events received before a time; return how many."""
    expired = (EVENTS.c.project_id == project_id, EVENTS.c.received_at < before)
    chosen = select(EVENTS.c.event_id).where(*expired).limit(limit)
    return await count_changed(connection, delete(EVENTS).where(*expired, is_among(EVENTS.c.event_id, chosen)))


async def delete_stray_events(connection: Connection, before: datetime, limit: int) -> int:
    """Delete up to `limit` events of the default partition received before a time; return how many."""
    table = EVENTS.to_metadata(EVENTS.metadata.__class__(), name="events_default")
    return await delete_some(connection, table, table.c.received_at < before, limit=limit)
