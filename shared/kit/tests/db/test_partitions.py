"""Partitions are there before rows need them and go when all of their rows are too old."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hearback_kit.db.partitions import MONDAY, PartitionPlan, Partitions, midnight
from sqlalchemy import text

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)  # a Tuesday
DAILY = PartitionPlan("daily", 1, 7, storage="WITH (fillfactor = 80)")
WEEKLY = PartitionPlan(
    "weekly", 7, 90, days_ahead=28, origin=MONDAY, past=False, default="weekly_default", name_format="%Y_%m_%d"
)


@pytest.fixture
async def tables(database):
    async with database.transaction() as connection:
        for table in ("daily", "weekly", "strange"):
            await connection.execute(
                text(f"CREATE TABLE {table} (received_at timestamptz) PARTITION BY RANGE (received_at)")
            )
        await connection.execute(text("CREATE TABLE weekly_default PARTITION OF weekly DEFAULT"))
        await connection.execute(
            text("CREATE TABLE strange_2000 PARTITION OF strange FOR VALUES FROM ('2000-01-01') TO ('2000-01-02')")
        )
    return database


async def write(database, table, at):
    async with database.transaction() as connection:
        await connection.execute(text(f"INSERT INTO {table} VALUES (:at)"), {"at": at})


async def count(database, table):
    async with database.connection() as connection:
        return await connection.scalar(text(f"SELECT count(*) FROM {table}"))


@pytest.mark.parametrize(("days", "days_max"), [(1, 7), (10, 90), (120, 730)])
def test_a_plan_covers_all_that_is_kept_and_some_days_ahead(days, days_max):
    plan = PartitionPlan("x", days, days_max)
    starts = plan.wanted(NOW)
    assert starts[0] <= plan.oldest(NOW) < starts[0] + timedelta(days=days)
    assert starts[-1] <= NOW.date() + timedelta(days=2) < starts[-1] + timedelta(days=days)
    assert all((after - before).days == days for before, after in pairwise(starts))


def test_a_plan_may_leave_the_past_alone():
    assert [WEEKLY.name(start) for start in WEEKLY.wanted(NOW)][:2] == ["weekly_2026_11_23", "weekly_2026_11_30"]
    assert len(WEEKLY.wanted(NOW)) == 5
    assert WEEKLY.start_of("weekly_2026_11_23") == date(2026, 11, 23)
    assert WEEKLY.start_of("weekly_default") is None
    assert WEEKLY.start_of("daily_20261123") is None


async def test_they_are_made_once(tables):
    partitions = Partitions(tables, [DAILY, WEEKLY], lock="kit-partitions")
    made = await partitions.ensure(NOW)
    assert made[:1] == ["daily_20261117"]
    assert made[-1:] == ["weekly_2026_12_21"]
    assert len(made) == 10 + 5
    assert await partitions.ensure(NOW) == []
    assert await Partitions(tables, [DAILY, WEEKLY], lock="kit-partitions").ensure(NOW) == []
    assert await partitions.ensure(NOW + timedelta(days=1)) == ["daily_20261127"]
    await write(tables, "daily", midnight(date(2026, 11, 17)))


async def test_rows_of_the_default_one_move(tables):
    await write(tables, "weekly", NOW)
    await write(tables, "weekly", NOW - timedelta(days=30))
    await Partitions(tables, [WEEKLY], lock="kit-partitions").ensure(NOW)
    assert await count(tables, "weekly_default") == 1
    assert await count(tables, "weekly_2026_11_23") == 1
    assert await count(tables, "weekly") == 2


async def test_old_ones_are_dropped_and_nothing_else(tables):
    partitions = Partitions(tables, [DAILY, WEEKLY], lock="kit-partitions")
    await partitions.ensure(NOW)
    await write(tables, "daily", NOW)
    assert await partitions.drop_old(NOW) == []
    dropped = await partitions.drop_old(NOW + timedelta(days=8))
    assert dropped[-1] == ("daily", "daily_20261124")
    assert ("daily", "daily_20261125") not in dropped
    assert await count(tables, "daily") == 0
    assert await partitions.drop_old(NOW + timedelta(days=8)) == []
    assert [name for _, name in await partitions.drop_old(NOW + timedelta(days=96))][-1] == "weekly_2026_11_23"
    assert await count(tables, "strange_2000") == 0
