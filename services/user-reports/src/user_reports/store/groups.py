"""Error groups: counted in batches of occurrences, read and triaged singly."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
import orjson
from hearback_kit.db import Connection
from hearback_kit.db.prepared import Prepared
from hearback_kit.db.rows import delete_some
from hearback_kit.db.rowsets import rowset
from sqlalchemy import Row, case, func, select, update
from sqlalchemy.dialects.postgresql import insert

from user_reports.domain.model import IndexedEvent
from user_reports.domain.occurrence import Occurrence, error_level
from user_reports.store.tables import GROUP_IDS, GROUPS

GroupKey = tuple[int, str]
_NAMES: Final = [c.name for c in GROUPS.c if c.name not in {"id", "status", "status_at", "has_seen"}]


class Group(msgspec.Struct, kw_only=True):
    """An error group; `id` is odd, `hash` is the grouping hash (32 hex digits)."""

    id: int
    organization_id: int
    project_id: int
    hash: str
    title: str
    culprit: str
    level: str
    platform: str | None
    logger: str | None
    metadata: dict[str, Any]
    status: str
    first_seen: datetime
    last_seen: datetime
    times_seen: int
    latest_event_id: str
    has_seen: bool


_FIELDS: Final = Group.__struct_fields__
COLUMNS: Final = [GROUPS.c[name] for name in _FIELDS]


def _upsert() -> Any:
    """Insert groups or add to their counts; a new occurrence reopens a resolved group.

    Rows are sorted by key, so that two workers cannot deadlock. The id of a known group is looked up, which saves
    a number of the sequence.
    """
    batch = rowset(GROUPS, _NAMES)
    known = select(GROUPS.c.id).where(GROUPS.c.project_id == batch.c.project_id, GROUPS.c.hash == batch.c.hash)
    rows = select(
        func.coalesce(known.scalar_subquery(), GROUP_IDS.next_value()), *[batch.c[name] for name in _NAMES]
    ).order_by(batch.c.project_id, batch.c.hash)
    statement = insert(GROUPS).from_select(["id", *_NAMES], rows)
    new = statement.excluded
    later = new.latest_received_at >= GROUPS.c.latest_received_at
    newest = ("title", "culprit", "level", "platform", "logger", "metadata", "latest_event_id")
    reopened = (GROUPS.c.status == "resolved") & (new.last_seen > GROUPS.c.status_at)
    changed: dict[str, Any] = {name: case((later, new[name]), else_=GROUPS.c[name]) for name in newest}
    changed |= {
        "latest_received_at": func.greatest(GROUPS.c.latest_received_at, new.latest_received_at),
        "first_seen": func.least(GROUPS.c.first_seen, new.first_seen),
        "last_seen": func.greatest(GROUPS.c.last_seen, new.last_seen),
        "times_seen": GROUPS.c.times_seen + new.times_seen,
        "status": case((reopened, "unresolved"), else_=GROUPS.c.status),
        "status_at": case((reopened, new.last_seen), else_=GROUPS.c.status_at),
    }
    return statement.on_conflict_do_update(
        index_elements=[GROUPS.c.project_id, GROUPS.c.hash], set_=changed
    ).returning(GROUPS.c.id, GROUPS.c.project_id, GROUPS.c.hash)


UPSERT: Final = Prepared(_upsert())


async def count_occurrences(connection: Connection, occurrences: Sequence[Occurrence]) -> dict[GroupKey, int]:
    """Add occurrences to their groups; return the groups' ids by project and hash."""
    rows: dict[GroupKey, dict[str, Any]] = {}
    for occurrence in occurrences:
        key = (occurrence.event.project_id, occurrence.hash)
        row = rows.get(key)
        if row is None:
            rows[key] = _row(occurrence)
        else:
            _add(row, occurrence.event)
    if not rows:
        return {}
    found = await UPSERT.execute(connection, rows=orjson.dumps(list(rows.values())).decode())
    return {(row.project_id, row.hash.hex): row.id for row in found}


def _row(occurrence: Occurrence) -> dict[str, Any]:
    event = occurrence.event
    return {
        "organization_id": event.organization_id,
        "project_id": event.project_id,
        "hash": occurrence.hash,
        "title": event.title,
        "culprit": event.culprit,
        "level": error_level(event.level),
        "platform": event.platform,
        "logger": event.logger,
        "metadata": occurrence.metadata,
        "first_seen": event.timestamp,
        "last_seen": event.timestamp,
        "times_seen": 1,
        "latest_event_id": event.event_id,
        "latest_received_at": event.received_at,
    }


def _add(row: dict[str, Any], event: IndexedEvent) -> None:
    row["times_seen"] += 1
    row["first_seen"] = min(row["first_seen"], event.timestamp)
    row["last_seen"] = max(row["last_seen"], event.timestamp)
    if event.received_at >= row["latest_received_at"]:
        row["latest_event_id"] = event.event_id
        row["latest_received_at"] = event.received_at


def group_of(row: Row[Any]) -> Group:
    values = dict(zip(_FIELDS, row, strict=True))
    values["hash"] = row.hash.hex
    values["latest_event_id"] = row.latest_event_id.hex
    return Group(**values)


async def find_group(connection: Connection, group_id: int) -> Group | None:
    """Return a group by id, of any organization, or None."""
    row = (await connection.execute(select(*COLUMNS).where(GROUPS.c.id == group_id))).first()
    return None if row is None else group_of(row)


async def find_groups(connection: Connection, group_ids: Sequence[int]) -> dict[int, Group]:
    if not group_ids:
        return {}
    rows = await connection.execute(select(*COLUMNS).where(GROUPS.c.id.in_(sorted(set(group_ids)))))
    return {row.id: group_of(row) for row in rows}


async def change_group(connection: Connection, group_id: int, **columns: Any) -> None:
    """Set columns of a group."""
    await connection.execute(update(GROUPS).where(GROUPS.c.id == group_id).values(columns))


async def project_ids(connection: Connection) -> list[int]:
    """Return the projects that have groups."""
    return list((await connection.scalars(select(GROUPS.c.project_id).distinct())).all())


async def delete_groups(
    connection: Connection, before: datetime, limit: int, project_id: int | None = None
) -> int:
    """Delete up to `limit` groups last seen before a time; return how many."""
    of_project = [] if project_id is None else [GROUPS.c.project_id == project_id]
    return await delete_some(connection, GROUPS, GROUPS.c.last_seen < before, *of_project, limit=limit)
