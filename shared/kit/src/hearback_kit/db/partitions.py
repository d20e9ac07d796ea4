"""Partitions by time: created ahead, and dropped when all of their rows are expired."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from sqlalchemy import text

from hearback_kit.db.database import Connection, Database

EPOCH: Final = date(1970, 1, 1)
MONDAY: Final = date(1970, 1, 5)
_LOCK_TIMEOUT: Final = "SET LOCAL lock_timeout = '5s'"  # no queue behind a lock that traffic holds


@dataclass(frozen=True, slots=True)
class PartitionPlan:
    """The partitioning of a table: `days` days each, counted from `origin`, kept for `days_max` days.

    Partitions are created `days_ahead` days ahead and, unless `past` is False, for all kept days. With a `default`
    partition, its rows (by `column`) are moved to a new partition. `name_format` is the suffix of a partition's
    name; `storage` is SQL such as `WITH (fillfactor = 80)`.
    """

    table: str
    days: int
    days_max: int
    days_ahead: int = 2
    origin: date = EPOCH
    past: bool = True
    default: str | None = None
    column: str = "received_at"
    name_format: str = "%Y%m%d"
    storage: str = ""

    def oldest(self, now: datetime) -> date:
        """Return the oldest day whose rows are kept."""
        return now.astimezone(UTC).date() - timedelta(days=self.days_max)

    def start(self, day: date) -> date:
        """Return the first day of the partition that holds `day`."""
        return day - timedelta(days=(day - self.origin).days % self.days)

    def wanted(self, now: datetime) -> list[date]:
        """Return the first days of all required partitions."""
        today = now.astimezone(UTC).date()
        start = self.start(self.oldest(now) if self.past else today)
        count = (today + timedelta(days=self.days_ahead) - start).days // self.days + 1
        return [start + timedelta(days=self.days * position) for position in range(count)]

    def name(self, start: date) -> str:
        """Return the name of the partition that starts on a day."""
        return f"{self.table}_{start.strftime(self.name_format)}"

    def bounds(self, start: date) -> tuple[str, str]:
        """Return the bounds [from, to) of the partition that starts on a day, for SQL."""
        return f"{start} 00:00:00+00", f"{start + timedelta(days=self.days)} 00:00:00+00"

    def start_of(self, name: str) -> date | None:
        """Return the first day of a partition by name; None for the default one and unknown names."""
        try:
            return datetime.strptime(name, f"{self.table}_{self.name_format}").replace(tzinfo=UTC).date()
        except ValueError:
            return None


class Partitions:
    """Creates and drops the partitions of a service's tables; `lock` is the name of an advisory lock."""

    def __init__(self, database: Database, plans: Sequence[PartitionPlan], *, lock: str) -> None:
        self._database = database
        self._plans = tuple(plans)
        self._lock = lock
        self._ready: date | None = None

    async def ensure(self, now: datetime) -> list[str]:
        """Create missing partitions and return their names; queries the database once a day."""
        today = now.astimezone(UTC).date()
        if self._ready == today:
            return []
        made: list[str] = []
        async with self._database.transaction() as connection:
            existing = await self._existing(connection)
            for plan in self._plans:
                for start in plan.wanted(now):
                    if plan.name(start) not in existing:
                        await _make(connection, plan, start)
                        made.append(plan.name(start))
        self._ready = today
        return made

    async def drop_old(self, now: datetime) -> list[tuple[str, str]]:
        """Drop expired partitions; return their tables and names."""
        dropped: list[tuple[str, str]] = []
        async with self._database.transaction() as connection:
            existing = await self._existing(connection)
            for plan in self._plans:
                limit = plan.start(plan.oldest(now))
                for name in sorted(name for name, table in existing.items() if table == plan.table):
                    start = plan.start_of(name)
                    if start is not None and start < limit:
                        await connection.execute(text(f"DROP TABLE {name}"))
                        dropped.append((plan.table, name))
        return dropped

    async def _existing(self, connection: Connection) -> dict[str, str]:
        """Take the lock, and return the partitions with their tables."""
        await connection.execute(text(_LOCK_TIMEOUT))
        await connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:lock))"), {"lock": self._lock})
        rows = await connection.execute(
            text(
                "SELECT child.relname, parent.relname FROM pg_inherits"
                " JOIN pg_class child ON child.oid = inhrelid JOIN pg_class parent ON parent.oid = inhparent"
                " WHERE parent.relkind = 'p' AND child.relkind = 'r' AND pg_table_is_visible(parent.oid)"
            )
        )
        return {row[0]: row[1] for row in rows.all()}


async def _make(connection: Connection, plan: PartitionPlan, start: date) -> None:
    name = plan.name(start)
    first, end = plan.bounds(start)
    values = f"FOR VALUES FROM ('{first}') TO ('{end}')"
    if plan.default is None:
        await connection.execute(text(f"CREATE TABLE {name} PARTITION OF {plan.table} {values} {plan.storage}"))
        return
    # Create it detached, move rows from the default partition, then attach it.
    await connection.execute(text(f"CREATE TABLE {name} (LIKE {plan.table} INCLUDING ALL) {plan.storage}"))
    taken_over = f"{plan.column} >= '{first}' AND {plan.column} < '{end}'"
    await connection.execute(
        text(
            f"WITH moved AS (DELETE FROM {plan.default} WHERE {taken_over} RETURNING *)"
            f" INSERT INTO {name} SELECT * FROM moved"
        )
    )
    await connection.execute(text(f"ALTER TABLE {plan.table} ATTACH PARTITION {name} {values}"))


def midnight(day: date) -> datetime:
    """Return the start of a day in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
