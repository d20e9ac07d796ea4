"""Partitions come and go, and nobody keeps more than promised."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hearback_contracts.categories import DataCategory
from hearback_contracts.outcomes import Outcome, SubmissionState
from hearback_fleet.testing import publish_project
from hearback_kit.ids import random_id
from user_reports.store.partitions import ensure_weeks, list_weeks, week_of
from user_reports.store.retention import Retention, RetentionOptions


def retention(bench: Any, **options: Any) -> Retention:
    return Retention(bench.database, bench.projects, bench.clock, 4, RetentionOptions(**options))


async def counts(bench: Any) -> dict[str, int]:
    tables = ("events", "reports", "groups", "refusals")
    return {table: (await bench.rows(f"SELECT count(*) AS n FROM {table}"))[0].n for table in tables}


def test_weeks_begin_on_monday_in_utc() -> None:
    assert week_of(datetime(2026, 11, 23, tzinfo=UTC)) == date(2026, 11, 23)
    assert week_of(datetime(2026, 11, 22, 23, 59, tzinfo=UTC)) == date(2026, 11, 16)


async def test_events_beyond_prepared_weeks_are_kept_and_moved(bench: Any) -> None:
    bench.clock.move(days=100)
    event_id = random_id()
    await bench.deliver(bench.event(event_id))
    assert len(await bench.rows("SELECT 1 FROM events_default")) == 1
    async with bench.database.transaction() as connection:
        made = await ensure_weeks(connection, bench.clock.now(), ahead=2)
    assert [week - made[0] for week in made] == [timedelta(0), timedelta(weeks=1), timedelta(weeks=2)]
    assert await bench.rows("SELECT 1 FROM events_default") == []
    assert len(await bench.rows("SELECT 1 FROM events")) == 1
    await bench.deliver(bench.report(event_id))
    assert len((await bench.told()).feedback) == 1


async def test_weeks_are_made_once_by_many(bench: Any) -> None:
    bench.clock.move(days=200)
    await asyncio.gather(*(retention(bench).run_once() for _ in range(3)))
    async with bench.database.connection() as connection:
        weeks = await list_weeks(connection)
    assert len(weeks) == len(set(weeks))
    assert week_of(bench.clock.now()) in weeks


async def test_everything_goes_after_its_days_and_not_before(bench: Any) -> None:
    event_id = random_id()
    await bench.deliver(bench.event(event_id), bench.report(event_id), bench.report(random_id()))
    await bench.deliver(bench.event(event_id))
    bench.clock.move(days=6)
    await retention(bench).run_once()
    assert await counts(bench) == {"events": 1, "reports": 2, "groups": 1, "refusals": 1}
    bench.clock.move(days=83)
    await retention(bench).run_once()
    assert await counts(bench) == {"events": 1, "reports": 2, "groups": 1, "refusals": 0}
    bench.clock.move(days=9)
    await retention(bench, chunk_max=1).run_once()
    assert await counts(bench) == {"events": 0, "reports": 0, "groups": 0, "refusals": 0}
    async with bench.database.connection() as connection:
        assert min(await list_weeks(connection)) >= week_of(bench.clock.now() - timedelta(days=90))


async def test_report_whose_event_never_came_is_told_when_it_goes(bench: Any) -> None:
    event_id = random_id()
    await bench.deliver(bench.report(event_id))
    bench.clock.move(days=91)
    await retention(bench).run_once()
    told = await bench.told()
    assert told.counts(int(DataCategory.FEEDBACK)) == {(Outcome.INVALID, "event_never_arrived"): 1}
    step = told.steps[-1]
    assert (step.submission_id, step.state, step.reason) == (
        event_id,
        SubmissionState.DROPPED,
        "event_never_arrived",
    )


async def test_project_that_keeps_less_loses_its_own_rows_only(bench: Any, redis: Any) -> None:
    await publish_project(redis, project_id=2, options={"hearback:retention_days": 10})
    for project_id in (1, 2):
        event_id = random_id()
        await bench.deliver(
            bench.event(event_id, project_id=project_id), bench.report(event_id, project_id=project_id)
        )
    bench.clock.move(days=11)
    late = random_id()
    await bench.deliver(bench.event(late, project_id=2, message="another"))
    await retention(bench, chunk_max=1).run_once()
    for table in ("events", "reports", "groups"):
        rows = await bench.rows(f"SELECT project_id FROM {table} ORDER BY project_id")
        assert [row.project_id for row in rows] == ([1] if table == "reports" else [1, 2])
