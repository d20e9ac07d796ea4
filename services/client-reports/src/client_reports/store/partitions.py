"""Partitions by time: made before they are needed, dropped as a whole when all in them is too old."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from hearback_kit.db import Connection, Database
from sqlalchemy import text

from client_reports import metrics
from client_reports.settings import Settings

DAYS_AHEAD: Final = 2
_EPOCH: Final = date(1970, 1, 1)
_LOCK: Final = 7_403_001
_LOCK_WAIT: Final = "SET LOCAL lock_timeout = '5s'"


@dataclass(frozen=True, slots=True)
class Plan:
    """A table whose partitions hold `days` days each and whose rows are kept `days_max` days."""

    table: str
    days: int
    days_max: int

    def oldest(self, now: datetime) -> date:
        """The oldest day whose rows are still taken."""
        return now.date() - timedelta(days=self.days_max)

    def start(self, day: date) -> date:
        """First day of the partition that holds `day`."""
        return day - timedelta(days=(day - _EPOCH).days % self.days)

    def wanted(self, now: datetime) -> list[date]:
        """First days of all partitions that have to exist."""
        start, end = self.start(self.oldest(now)), now.date() + timedelta(days=DAYS_AHEAD)
        count = (end - start).days // self.days + 1
        return [start + timedelta(days=self.days * position) for position in range(count)]

    def name(self, start: date) -> str:
        """Name of the partition that starts on a day."""
        return f"{self.table}_{start:%Y%m%d}"


@dataclass(frozen=True, slots=True)
class Plans:
    """How each partitioned table is cut."""

    minutes: Plan
    hours: Plan
    hour_totals: Plan
    days: Plan
    processed: Plan
    submissions: Plan

    @classmethod
    def of(cls, settings: Settings) -> "Plans":
        """The plans that follow from the settings."""
        return cls(
            minutes=Plan("counter_minutes", 1, settings.minutes_days_max),
            hours=Plan("counter_hours", 10, settings.hours_days_max),
            hour_totals=Plan("counter_hour_totals", 10, settings.hours_days_max),
            days=Plan("counter_days", 120, settings.days_days_max),
            processed=Plan("processed", 1, settings.processed_days_max),
            submissions=Plan("submission", 5, settings.submissions_days_max),
        )

    def all(self) -> Sequence[Plan]:
        """Every plan."""
        return (self.minutes, self.hours, self.hour_totals, self.days, self.processed, self.submissions)


class Partitions:
    """Makes and drops partitions; asks the database at most once a day and when told to."""

    def __init__(self, database: Database, plans: Plans) -> None:
        self._database = database
        self._plans = plans
        self._ready: date | None = None

    @property
    def plans(self) -> Plans:
        """How the tables are cut."""
        return self._plans

    async def ensure(self, now: datetime) -> None:
        """Make sure that all partitions that rows of `now` can fall into exist."""
        if self._ready == now.date():
            return
        async with self._database.transaction() as connection:
            await _prepare(connection)
            existing = await _existing(connection)
            for plan in self._plans.all():
                for start in plan.wanted(now):
                    if plan.name(start) not in existing:
                        await _make(connection, plan, start)
        self._ready = now.date()

    async def drop_old(self, now: datetime) -> list[str]:
        """Drop the partitions whose last day is past its time; returns their names."""
        dropped: list[str] = []
        async with self._database.transaction() as connection:
            await _prepare(connection)
            existing = await _existing(connection)
            for plan in self._plans.all():
                limit = plan.name(plan.start(plan.oldest(now)))
                for name in sorted(existing):
                    if existing[name] == plan.table and name < limit:
                        await connection.execute(text(f"DROP TABLE {name}"))
                        metrics.PARTITIONS_DROPPED.labels(plan.table).inc()
                        dropped.append(name)
        return dropped


async def _prepare(connection: Connection) -> None:
    await connection.execute(text(_LOCK_WAIT))
    await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


async def _existing(connection: Connection) -> dict[str, str]:
    """Partitions and the table each belongs to."""
    rows = await connection.execute(
        text(
            "SELECT child.relname, parent.relname FROM pg_inherits"
            " JOIN pg_class child ON child.oid = inhrelid JOIN pg_class parent ON parent.oid = inhparent"
            " WHERE parent.relkind = 'p' AND child.relkind = 'r'"
        )
    )
    return {row[0]: row[1] for row in rows.all()}


async def _make(connection: Connection, plan: Plan, start: date) -> None:
    end = start + timedelta(days=plan.days)
    await connection.execute(
        text(
            f"CREATE TABLE {plan.name(start)} PARTITION OF {plan.table}"
            f" FOR VALUES FROM ('{start}') TO ('{end}') WITH (fillfactor = 80)"
        )
    )


def midnight(day: date) -> datetime:
    """The first moment of a day (UTC)."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
