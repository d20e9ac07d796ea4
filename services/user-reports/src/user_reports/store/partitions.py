"""Weekly partitions of the event index: made ahead, dropped when retention has passed.

A week keeps the number of partitions small (a lookup by event id visits each of them) and is fine
enough for a retention counted in days; projects that keep less lose their rows chunk by chunk.
Events of a week nobody prepared fall into `events_default` and are moved once the week is made.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final

from hearback_kit.db import Connection
from sqlalchemy import text

WEEK: Final = timedelta(days=7)
_NAME: Final = re.compile(r"events_(\d{4})_(\d{2})_(\d{2})\Z")


def week_of(at: datetime) -> date:
    """The Monday (UTC) of a moment's week."""
    day = at.astimezone(UTC).date()
    return day - timedelta(days=day.weekday())


def weeks_from(week: date, *, before: int, after: int) -> Iterator[date]:
    """The weeks from `before` weeks earlier to `after` weeks later."""
    for number in range(-before, after + 1):
        yield week + number * WEEK


def partition_name(week: date) -> str:
    """The table of a week, such as `events_2026_11_23`."""
    return f"events_{week:%Y_%m_%d}"


def create_statement(week: date) -> str:
    """SQL that makes an empty week's partition."""
    return f"CREATE TABLE {partition_name(week)} PARTITION OF events {_bounds(week)}"


def _bounds(week: date) -> str:
    return f"FOR VALUES FROM ('{week}T00:00:00Z') TO ('{week + WEEK}T00:00:00Z')"


async def list_weeks(connection: Connection) -> list[date]:
    """The weeks that have a partition, oldest first."""
    rows = await connection.execute(
        text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'events'::regclass")
    )
    matches = (_NAME.search(name) for name in rows.scalars())
    return sorted(date(int(m[1]), int(m[2]), int(m[3])) for m in matches if m)


async def ensure_weeks(connection: Connection, now: datetime, *, ahead: int) -> list[date]:
    """Make the partitions that are missing from this week on; returns their weeks."""
    await _serialize(connection)
    known = set(await list_weeks(connection))
    missing = [week for week in weeks_from(week_of(now), before=0, after=ahead) if week not in known]
    for week in missing:
        await _make(connection, week)
    return missing


async def _make(connection: Connection, week: date) -> None:
    """Make a partition beside the table, move what already fell into the default one, then attach it."""
    name = partition_name(week)
    await connection.execute(text(f"CREATE TABLE {name} (LIKE events INCLUDING ALL)"))
    await connection.execute(
        text(
            f"WITH moved AS (DELETE FROM events_default WHERE received_at >= '{week}T00:00:00Z' "
            f"AND received_at < '{week + WEEK}T00:00:00Z' RETURNING *) INSERT INTO {name} SELECT * FROM moved"
        )
    )
    await connection.execute(text(f"ALTER TABLE events ATTACH PARTITION {name} {_bounds(week)}"))


async def drop_weeks(connection: Connection, before: datetime) -> list[date]:
    """Drop the partitions whose every event was received before a moment; returns their weeks."""
    await _serialize(connection)
    oldest_kept = week_of(before)
    expired = [week for week in await list_weeks(connection) if week < oldest_kept]
    for week in expired:
        await connection.execute(text(f"DROP TABLE {partition_name(week)}"))
    return expired


async def _serialize(connection: Connection) -> None:
    """One worker at a time, and no queue behind a lock that traffic holds."""
    await connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('user-reports-partitions'))"))
    await connection.execute(text("SET LOCAL lock_timeout = '2s'"))
