"""The job that keeps partitions."""

from datetime import timedelta
from functools import partial
from typing import Any

from client_reports.jobs.partitions import keep_partitions
from prometheus_client import REGISTRY
from sqlalchemy import text


async def usage_days(store: Any) -> list[Any]:
    async with store.database.connection() as connection:
        return list((await connection.execute(text("SELECT day FROM journal_usage ORDER BY day"))).scalars())


def dropped(table: str) -> float:
    return REGISTRY.get_sample_value("client_reports_partitions_dropped_total", {"table": table}) or 0.0


async def test_what_is_too_old_goes_and_what_is_needed_comes(fresh_store: Any) -> None:
    store = fresh_store
    today = store.clock.now().date()
    async with store.database.transaction() as connection:
        await connection.execute(
            text("INSERT INTO journal_usage SELECT 1, day, 1, 1 FROM unnest(CAST(:days AS date[])) AS day"),
            {"days": [today - timedelta(days=days) for days in range(3)]},
        )
    job, before = (
        partial(keep_partitions, store.database, store.partitions, store.clock),
        dropped("counter_minutes"),
    )
    await job()
    assert await usage_days(store) == [today]
    assert dropped("counter_minutes") == before
    store.clock.move(days=9)
    await job()
    assert await usage_days(store) == []
    assert dropped("counter_minutes") > before
    async with store.database.connection() as connection:
        name = f"counter_minutes_{store.clock.now():%Y%m%d}"
        assert await connection.scalar(text("SELECT to_regclass(:name)"), {"name": name})
