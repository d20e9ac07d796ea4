"""The counters: sums per series by minute, hour and day, and when projects were active."""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from hearback_contracts.reasons import Reason
from hearback_kit.db import Direct
from hearback_kit.db.partitions import midnight
from hearback_kit.db.prepared import fetch
from sqlalchemy import Table

from client_reports import metrics
from client_reports.domain.buckets import HOURS
from client_reports.domain.counting import Sum, Sums
from client_reports.domain.series import ProjectHour, Series
from client_reports.store.partitions import Plans
from client_reports.store.tables import COUNTER_DAYS, COUNTERS, DETAILS, PROJECT_ACTIVITY
from client_reports.store.writes import Shape, Write, columns_of, sql_type

_IDENTITY: Final = ("project_id", "bucket", "category", "outcome", "reason")
_NOT_SENT: Final = frozenset({Reason.DELETED, Reason.EVENT_NEVER_ARRIVED})

_ACTIVITY: Final = Shape.of(
    PROJECT_ACTIVITY,
    "INSERT INTO project_activity AS stored ({names}) SELECT {names} FROM {rows}"
    " ON CONFLICT (project_id) DO UPDATE SET last_seen = excluded.last_seen"
    " WHERE stored.last_seen < excluded.last_seen",
    PROJECT_ACTIVITY.c.keys(),
)


def counter_writes(sums: Sums, plans: Plans, now: datetime) -> list[Write]:
    """Return the writes that add sums per minute to all counters, as far back as each is kept."""
    if not sums:
        return []
    oldest = midnight(plans[COUNTER_DAYS.name].oldest(now))
    too_old = sum(key.minute < oldest for key in sums)
    if too_old:
        metrics.ENTRIES_DROPPED.labels("too_old").inc(too_old)
    return [
        *(_write(table, sums, midnight(plans[table.name].oldest(now))) for table in COUNTERS),
        _activity(sums),
    ]


def _write(table: Table, sums: Sums, oldest: datetime) -> Write:
    """Return the write of sums from `oldest` on; its statement names only the cells that grow in some row.

    Writers to one project take turns (`begin_batch`), so rows need no order in which all of them are locked.
    """
    layout, has_details = COUNTERS[table], "sdk" in table.c
    places: dict[datetime, tuple[datetime, int]] = {}
    rows: dict[tuple[Any, ...], dict[int, Sum]] = {}
    organizations: dict[int, int] = {}
    for key, added in sums.items():
        if key.minute < oldest:
            continue
        place = places.get(key.minute)
        if place is None:
            place = places[key.minute] = (layout.row(key.minute), layout.cell(key.minute))
        organizations[key.project_id] = key.organization_id
        identity = (key.project_id, place[0], key.category, key.outcome, key.reason)
        cells = rows.setdefault((*identity, key.key_id, key.sdk) if has_details else identity, {})
        cells.setdefault(place[1], Sum()).add(added.quantity, added.times)
    touched = sorted({cell for _, cell in places.values()})
    columns = columns_of(rows)
    columns.append([organizations[row[0]] for row in rows])
    nothing = Sum()
    for cell in touched:
        added_to = [cells.get(cell, nothing) for cells in rows.values()]
        columns.append([added.times for added in added_to])
        columns.append([str(added.quantity) for added in added_to])
    return Write(_shape(table, tuple(touched)), columns)


@lru_cache(maxsize=256)
def _shape(table: Table, cells: tuple[int, ...]) -> Shape:
    identity = (*_IDENTITY, *(DETAILS if "sdk" in table.c else ()))
    times, quantities = COUNTERS[table].columns("times"), COUNTERS[table].columns("quantity")
    grown = [name for cell in cells for name in (times[cell], quantities[cell])]
    columns = (*identity, "organization_id", *grown)
    # Sums of quantities may pass 64 bits: they travel as texts.
    read = [f"{name}::numeric" if name in quantities else name for name in columns]
    sql = (
        f"INSERT INTO {table.name} AS stored ({', '.join(columns)}) SELECT {', '.join(read)} FROM {{rows}}"
        f" ON CONFLICT ({', '.join(identity)}) DO UPDATE SET "
        + ", ".join(f"{name} = stored.{name} + excluded.{name}" for name in grown)
    )
    return Shape(sql, tuple((name, "text" if name in quantities else sql_type(table, name)) for name in columns))


def _activity(sums: Sums) -> Write:
    """Return the write of when projects last sent something; deletions and retention do not count."""
    seen: dict[int, datetime] = {}
    for key in sums:
        if key.reason not in _NOT_SENT:
            seen[key.project_id] = max(key.minute, seen.get(key.project_id, key.minute))
    return Write(_ACTIVITY, [list(seen), list(seen.values())])


async def find_series(connection: Direct, hours: Iterable[ProjectHour]) -> dict[ProjectHour, list[Series]]:
    found: dict[ProjectHour, list[Series]] = {hour: [] for hour in hours}
    by_cell: dict[int, dict[tuple[int, datetime], ProjectHour]] = {}
    for hour in found:
        by_cell.setdefault(HOURS.cell(hour.hour), {})[hour.project_id, HOURS.row(hour.hour)] = hour
    for cell, wanted in by_cell.items():
        projects, buckets = [project for project, _ in wanted], [bucket for _, bucket in wanted]
        for row in await fetch(connection, _series_statement(cell), projects, buckets):
            found[wanted[row[0], row[1]]].append(Series(*row[2:]))
    return found


@lru_cache(maxsize=HOURS.cells)
def _series_statement(cell: int) -> str:
    return (
        "SELECT project_id, bucket, category, outcome, reason, key_id, sdk FROM counter_hours"
        " JOIN unnest($1::bigint[], $2::timestamptz[]) AS wanted (project_id, bucket) USING (project_id, bucket)"
        f" WHERE {HOURS.columns('times')[cell]} > 0"
    )
