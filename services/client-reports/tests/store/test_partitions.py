"""Partitions are there before they are needed and go when they are too old."""

from typing import Any
from uuid import uuid4

from client_reports.domain.buckets import DAYS
from client_reports.domain.counting import Effects
from client_reports.store.partitions import partitions_of


async def names(store: Any, table: str) -> list[str]:
    statement = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = CAST(:name AS regclass)"
    return sorted(name for (name,) in await store.rows(statement, name=table) if "_identity" not in name)


async def test_making_them_again_changes_nothing(fresh_store: Any) -> None:
    before = await names(fresh_store, "counter_hours")
    await partitions_of(fresh_store.database, fresh_store.settings).ensure(fresh_store.clock.now())
    assert await names(fresh_store, "counter_hours") == before
    assert len(before) >= 9


async def test_old_ones_are_dropped_with_what_is_in_them(fresh_store: Any) -> None:
    now = fresh_store.clock.now()
    await fresh_store.add(fresh_store.count(1))
    assert await fresh_store.partitions.drop_old(now) == []
    fresh_store.clock.move(days=8)
    later = fresh_store.clock.now()
    await fresh_store.partitions.ensure(later)
    dropped = await fresh_store.partitions.drop_old(later)
    assert ("counter_minutes", "counter_minutes_20261124") in dropped
    assert ("counter_minutes", "counter_minutes_20261125") not in dropped
    assert not any(table == "counter_days" for table, _ in dropped)
    assert await fresh_store.partitions.drop_old(later) == []
    for table, left in (("counter_minutes", 0), ("counter_hours", 1)):
        assert await fresh_store.rows(f"SELECT count(*) FROM {table}") == [(left,)]


async def test_the_next_day_needs_no_restart(fresh_store: Any) -> None:
    recorder = fresh_store.recorder()
    for _ in range(5):
        now = fresh_store.clock.move(days=30)
        await recorder.record([Effects(uuid4(), now, (fresh_store.count(2),))])
    cells = " + ".join(DAYS.columns("quantity"))
    assert await fresh_store.rows(f"SELECT sum({cells}) FROM counter_days") == [(10,)]
