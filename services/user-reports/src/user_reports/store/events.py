"""The event index: look up by id, insert in batches."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
import orjson
from hearback_kit.db import Connection
from hearback_kit.db.columns import TIME
from hearback_kit.db.prepared import Prepared
from hearback_kit.db.rowsets import rowset
from sqlalchemy import (
    Row,
    Select,
    bindparam,
    delete,
    insert,
    literal_column,
    select,
    tuple_,
)

from user_reports.domain.model import IndexedEvent, Key
from user_reports.domain.occurrence import Occurrence
from user_reports.store.keys import key_parameters, keyset
from user_reports.store.tables import EVENTS

_FIELDS: Final = IndexedEvent.__struct_fields__
COLUMNS: Final = [EVENTS.c[name] for name in _FIELDS]


def _lookup(*, bounded: bool) -> Select[Any]:
    """One index probe per key and partition; bounds on the time of receipt leave partitions out."""
    wanted = keyset()
    found = (
        select(*COLUMNS, EVENTS.c.message_id)
        .where(EVENTS.c.project_id == wanted.c.project_id, EVENTS.c.event_id == wanted.c.event_id)
        .limit(1)
    )
    if bounded:
        received_at = EVENTS.c.received_at
        found = found.where(received_at >= bindparam("earliest", type_=TIME))
        found = found.where(received_at <= bindparam("latest", type_=TIME))
    lateral = found.lateral("found")
    return select(lateral).select_from(wanted.join(lateral, literal_column("true")))


LOOKUP: Final = _lookup(bounded=False)
LOOKUP_BOUNDED: Final = _lookup(bounded=True)
_ROWS: Final = rowset(EVENTS)
INSERT: Final = insert(EVENTS).from_select([c.name for c in EVENTS.c], select(*_ROWS.c)).inline()
_LOOKUP: Final = Prepared(LOOKUP)
_LOOKUP_BOUNDED: Final = Prepared(LOOKUP_BOUNDED)
_INSERT: Final = Prepared(INSERT)


def event_of(row: Row[Any]) -> IndexedEvent:
    """Return the event in a row that starts with the event's columns."""
    values = dict(zip(_FIELDS, row, strict=False))
    values["event_id"] = row.event_id.hex
    return IndexedEvent(**values)


async def find_events(
    connection: Connection,
    keys: Sequence[Key],
    *,
    earliest: datetime | None = None,
    latest: datetime | None = None,
) -> dict[Key, IndexedEvent]:
    """Return the indexed events among `keys`, optionally only those received within bounds (inclusive)."""
    return {key: event for key, (event, _) in (await _find(connection, keys, earliest, latest)).items()}


async def find_deliveries(connection: Connection, keys: Sequence[Key]) -> dict[Key, str]:
    """Return the message ids of the indexed events among `keys`."""
    return {key: message_id for key, (_, message_id) in (await _find(connection, keys, None, None)).items()}


async def _find(
    connection: Connection, keys: Sequence[Key], earliest: datetime | None, latest: datetime | None
) -> dict[Key, tuple[IndexedEvent, str]]:
    if not keys:
        return {}
    parameters = key_parameters(keys)
    statement = _LOOKUP
    if earliest is not None and latest is not None:
        statement = _LOOKUP_BOUNDED
        parameters |= {"earliest": earliest, "latest": latest}
    rows = await statement.execute(connection, **parameters)
    return {(row.project_id, row.event_id.hex): (event_of(row), row.message_id.hex) for row in rows}


async def find_event(connection: Connection, project_id: int, event_id: str) -> IndexedEvent | None:
    return (await find_events(connection, [(project_id, event_id)])).get((project_id, event_id))


async def insert_events(connection: Connection, occurrences: Sequence[Occurrence]) -> None:
    """Insert new events in one statement."""
    rows = [msgspec.structs.asdict(item.event) | {"message_id": item.message_id} for item in occurrences]
    if rows:
        await _INSERT.execute(connection, rows=orjson.dumps(rows).decode())


async def delete_events(connection: Connection, project_id: int, before: datetime, limit: int) -> int:
    """Delete up to `limit` of a project's events received before a time; return how many."""
    chosen = (
        select(EVENTS.c.project_id, EVENTS.c.event_id, EVENTS.c.received_at)
        .where(EVENTS.c.project_id == project_id, EVENTS.c.received_at < before)
        .limit(limit)
    )
    key = tuple_(EVENTS.c.project_id, EVENTS.c.event_id, EVENTS.c.received_at)
    result = await connection.execute(delete(EVENTS).where(key.in_(chosen)))
    return int(result.rowcount)


async def delete_stray_events(connection: Connection, before: datetime, limit: int) -> int:
    """Delete up to `limit` events of the default partition received before a time; return how many."""
    table = EVENTS.to_metadata(EVENTS.metadata.__class__(), name="events_default")
    chosen: Select[Any] = (
        select(literal_column("ctid")).select_from(table).where(table.c.received_at < before).limit(limit)
    )
    result = await connection.execute(delete(table).where(literal_column("ctid").in_(chosen)))
    return int(result.rowcount)
