"""Writing counters: one upsert per table and batch, each message once."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hearback_contracts.reasons import Reason
from hearback_kit.db import Connection
from sqlalchemy import BigInteger, Date, DateTime, Numeric, SmallInteger, Table, Text, Uuid, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.types import TypeEngine

from client_reports import metrics
from client_reports.domain.buckets import DAYS, HOURS, MINUTES, Layout
from client_reports.domain.counting import CountKey, Effects, Sum, coarser, without_details
from client_reports.store.partitions import DAYS_AHEAD, Plan, Plans, midnight
from client_reports.store.rows import unnest
from client_reports.store.tables import (
    COUNTER_DAYS,
    COUNTER_HOUR_TOTALS,
    COUNTER_HOURS,
    COUNTER_MINUTES,
    DETAILS,
    PROCESSED,
    PROJECT_ACTIVITY,
)

_INSTANT = DateTime(timezone=True)
_NOT_SENT = (Reason.DELETED, Reason.EVENT_NEVER_ARRIVED)
_IDENTITY = ("project_id", "bucket", "category", "outcome", "reason")


async def mark_processed(
    connection: Connection, plan: Plan, effects: Iterable[Effects], now: datetime
) -> set[UUID]:
    """Remember the messages; returns those that had not been remembered before.

    A message is looked for on the day it was sent, so that it is found however late it comes again.
    """
    oldest, newest = plan.oldest(now), now.date() + timedelta(days=DAYS_AHEAD)
    ordered = sorted(
        (min(max(effect.occurred_at.date(), oldest), newest), effect.message_id) for effect in effects
    )
    rows = unnest(
        "told",
        {
            "day": (Date(), [day for day, _ in ordered]),
            "message_id": (Uuid(), [message_id for _, message_id in ordered]),
        },
    )
    statement = (
        insert(PROCESSED)
        .from_select(["day", "message_id"], select(rows.c.day, rows.c.message_id))
        .on_conflict_do_nothing()
        .returning(PROCESSED.c.message_id)
    )
    return set((await connection.execute(statement)).scalars())


async def add_counts(connection: Connection, plans: Plans, sums: dict[CountKey, Sum], now: datetime) -> None:
    """Add sums per minute to the counters by minute, hour and day, as far back as each is kept."""
    if not sums:
        return
    latest = (now + timedelta(days=1)).replace(second=0, microsecond=0)
    if any(key.minute > latest for key in sums):
        sums = _not_after(sums, latest)
    await _upsert(connection, COUNTER_MINUTES, MINUTES, _since(sums, plans.minutes, now))
    hours = coarser(sums, "hours")
    await _upsert(connection, COUNTER_HOURS, HOURS, _since(hours, plans.hours, now))
    totals = _since(without_details(hours), plans.hour_totals, now)
    await _upsert(connection, COUNTER_HOUR_TOTALS, HOURS, totals)
    days = coarser(hours, "days")
    kept = _since(days, plans.days, now)
    if len(kept) < len(days):
        metrics.ENTRIES_DROPPED.labels("too_old").inc(len(days) - len(kept))
    await _upsert(connection, COUNTER_DAYS, DAYS, kept)
    await _touch_projects(connection, sums)


def _not_after(sums: dict[CountKey, Sum], latest: datetime) -> dict[CountKey, Sum]:
    """What a service with a wrong clock placed in the future is counted at the latest bucket there is."""
    moved: dict[CountKey, Sum] = {}
    for key, added in sums.items():
        target = key._replace(minute=min(key.minute, latest))
        moved.setdefault(target, Sum()).add(added.quantity, added.times)
    return moved


def _since(sums: dict[CountKey, Sum], plan: Plan, now: datetime) -> list[tuple[CountKey, Sum]]:
    oldest = midnight(plan.oldest(now))
    return [(key, added) for key, added in sums.items() if key.minute >= oldest]


def _order(key: CountKey) -> tuple[object, ...]:
    """One order for every writer, so that two of them cannot block each other."""
    return (
        key.project_id,
        key.minute,
        key.category,
        key.outcome,
        key.key_id or -1,
        key.reason is None,
        key.reason or "",
        key.sdk is None,
        key.sdk or "",
    )


async def _upsert(connection: Connection, table: Table, layout: Layout, sums: list[tuple[CountKey, Sum]]) -> None:
    """Add sums, each in its row and cell; only cells that grow in some row are named in the statement."""
    if not sums:
        return
    rows_added: dict[CountKey, dict[int, Sum]] = {}
    for key, added in sums:
        row = key._replace(minute=layout.row(key.minute))
        rows_added.setdefault(row, {})[layout.cell(key.minute)] = added
    ordered = sorted(rows_added.items(), key=lambda row: _order(row[0]))
    keys = [key for key, _ in ordered]
    columns: dict[str, tuple[TypeEngine[Any], Sequence[Any]]] = {
        "bucket": (_INSTANT, [key.minute for key in keys]),
        "organization_id": (BigInteger(), [key.organization_id for key in keys]),
        "project_id": (BigInteger(), [key.project_id for key in keys]),
        "key_id": (BigInteger(), [key.key_id for key in keys]),
        "category": (SmallInteger(), [key.category for key in keys]),
        "outcome": (SmallInteger(), [key.outcome for key in keys]),
        "reason": (Text(), [key.reason for key in keys]),
        "sdk": (Text(), [key.sdk for key in keys]),
    }
    details = [name for name in DETAILS if name in table.c]
    columns = {name: column for name, column in columns.items() if name not in DETAILS or name in details}
    grown = _cells(layout, [cells for _, cells in ordered])
    rows = unnest("added", {**columns, **grown})
    statement = insert(table).from_select(list(rows.c.keys()), select(*rows.c))
    statement = statement.on_conflict_do_update(
        index_elements=[table.c[name] for name in (*_IDENTITY, *details)],
        set_={name: table.c[name] + statement.excluded[name] for name in grown},
    )
    await connection.execute(statement)


def _cells(layout: Layout, rows: list[dict[int, Sum]]) -> dict[str, tuple[TypeEngine[Any], Sequence[Any]]]:
    times, quantities, nothing = layout.columns("times"), layout.columns("quantity"), Sum()
    columns: dict[str, tuple[TypeEngine[Any], Sequence[Any]]] = {}
    for cell in sorted({cell for cells in rows for cell in cells}):
        sums = [cells.get(cell, nothing) for cells in rows]
        columns[times[cell]] = (BigInteger(), [added.times for added in sums])
        columns[quantities[cell]] = (Numeric(40, 0), [added.quantity for added in sums])
    return columns


async def _touch_projects(connection: Connection, sums: dict[CountKey, Sum]) -> None:
    """Remember when projects last sent something; what people and retention do is no sign of life."""
    seen: dict[int, datetime] = {}
    for key in sums:
        if key.reason not in _NOT_SENT:
            seen[key.project_id] = max(key.minute, seen.get(key.project_id, key.minute))
    if not seen:
        return
    ordered = sorted(seen.items())
    rows = unnest(
        "seen",
        {
            "project_id": (BigInteger(), [project_id for project_id, _ in ordered]),
            "last_seen": (_INSTANT, [minute for _, minute in ordered]),
        },
    )
    statement = insert(PROJECT_ACTIVITY).from_select(
        ["project_id", "last_seen"], select(rows.c.project_id, rows.c.last_seen)
    )
    last_seen = PROJECT_ACTIVITY.c.last_seen
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=[PROJECT_ACTIVITY.c.project_id],
            set_={"last_seen": func.greatest(last_seen, statement.excluded.last_seen)},
            where=last_seen < statement.excluded.last_seen,
        )
    )
