"""The job that keeps partitions."""

from datetime import timedelta
from functools import partial
from typing import Any

from client_reports.jobs.partitions import keep_partitions
from hearback_devkit.testing import recorded
from sqlalchemy import text

dropped = partial(recorded, "client_reports_partitions_dropped_total", table="counter_minutes")


async def test_what_is_too_old_goes_and_what_is_needed_comes(fresh_store: Any) -> None:
    store = fresh_store
    today = store.clock.now().date()
    async with store.database.transaction() as connection:
        await connection.execute(
            text("INSERT INTO journal_usage SELECT 1, day, 1, 1 FROM unnest(CAST(:days AS date[])) AS day"),
            {"days": [today - timedelta(days=days) for days in range(3)]},
        )
    job, usage = (
        partial(keep_partitions, store.database, store.partitions, store.clock),
        "SELECT day FROM journal_usage",
    )
    before = dropped()
    await job()
    assert await store.rows(usage) == [(today,)]
    assert dropped() == before
    store.clock.move(days=9)
    await job()
    assert await store.rows(usage) == []
    assert dropped() > before
    name = f"counter_minutes_{store.clock.now():%Y%m%d}"
    assert await store.rows("SELECT to_regclass(:name)::text", name=name) == [(name,)]
