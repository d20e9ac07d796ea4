"""Partitions are there before they are needed and go when they are too old."""

from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

from client_reports.domain.buckets import DAYS
from client_reports.domain.counting import Count, CountKey, Effects
from client_reports.store.partitions import partitions_of
from hearback_kit.db.partitions import PartitionPlan
from sqlalchemy import text


async def names(store: Any, table: str) -> list[str]:
    statement = text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = CAST(:name AS regclass)")
    async with store.database.connection() as connection:
        found = (await connection.execute(statement, {"name": table})).scalars().all()
    return sorted(name for name in found if "_identity" not in name)


def test_a_plan_covers_all_that_is_kept_and_some_days_ahead(fresh_store: Any) -> None:
    now = fresh_store.clock.now()
    for days, days_max in ((1, 7), (10, 90), (120, 730)):
        plan = PartitionPlan("x", days, days_max)
        starts = plan.wanted(now)
        assert starts[0] <= plan.oldest(now) < starts[0] + timedelta(days=days)
        assert starts[-1] <= now.date() + timedelta(days=2) < starts[-1] + timedelta(days=days)
        assert all((after - before).days == days for before, after in pairwise(starts))


async def test_making_them_again_changes_nothing(fresh_store: Any) -> None:
    before = await names(fresh_store, "counter_hours")
    await partitions_of(fresh_store.database, fresh_store.settings).ensure(fresh_store.clock.now())
    assert await names(fresh_store, "counter_hours") == before
    assert len(before) >= 9


async def test_old_ones_are_dropped_with_what_is_in_them(fresh_store: Any) -> None:
    now = fresh_store.clock.now()
    key = CountKey(1, 1, None, 1, 0, None, None, now.replace(second=0))
    await fresh_store.recorder().record([Effects(uuid4(), now, (Count(key, 1),))])
    assert await fresh_store.partitions.drop_old(now) == []
    fresh_store.clock.move(days=8)
    later = fresh_store.clock.now()
    await fresh_store.partitions.ensure(later)
    dropped = await fresh_store.partitions.drop_old(later)
    assert ("counter_minutes", "counter_minutes_20261124") in dropped
    assert ("counter_minutes", "counter_minutes_20261125") not in dropped
    assert not any(table == "counter_days" for table, _ in dropped)
    assert await fresh_store.partitions.drop_old(later) == []
    async with fresh_store.database.connection() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM counter_minutes")) == 0
        assert await connection.scalar(text("SELECT count(*) FROM counter_hours")) == 1


async def test_the_next_day_needs_no_restart(fresh_store: Any) -> None:
    recorder = fresh_store.recorder()
    for _ in range(5):
        now = fresh_store.clock.move(days=30)
        key = CountKey(1, 1, None, 1, 0, None, None, now.replace(second=0))
        await recorder.record([Effects(uuid4(), now, (Count(key, 2),))])
    cells = " + ".join(DAYS.columns("quantity"))
    async with fresh_store.database.connection() as connection:
        assert await connection.scalar(text(f"SELECT sum({cells}) FROM counter_days")) == 10
