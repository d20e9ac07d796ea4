"""Partitions come and go, and nothing is kept longer than promised."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from hearback_contracts.categories import DataCategory
from hearback_contracts.outcomes import Outcome, SubmissionState
from hearback_devkit.fleet import publish_project
from hearback_kit.values.ids import random_id


async def weeks(harness: Any) -> list[str]:
    """The partitions of the events, oldest first."""
    named = "relname ~ '^events_[0-9_]{10}$'"
    rows = await harness.rows(f"SELECT relname FROM pg_class WHERE {named} ORDER BY relname")
    return [row.relname for row in rows]


def week_of(at: datetime) -> str:
    return f"events_{at.date() - timedelta(days=at.weekday()):%Y_%m_%d}"


async def counts(harness: Any) -> dict[str, int]:
    tables = ("events", "reports", "groups", "refusals")
    return {table: (await harness.rows(f"SELECT count(*) AS n FROM {table}"))[0].n for table in tables}


async def test_events_beyond_prepared_weeks_are_kept_and_moved(harness: Any) -> None:
    harness.clock.move(days=100)
    event_id = random_id()
    await harness.deliver(harness.event(event_id))
    assert len(await harness.rows("SELECT 1 FROM events_default")) == 1
    await harness.retain(weeks_ahead=2)
    now = harness.clock.now()
    assert (await weeks(harness))[-3:] == [week_of(now + timedelta(weeks=number)) for number in range(3)]
    assert await harness.rows("SELECT 1 FROM events_default") == []
    assert len(await harness.rows("SELECT 1 FROM events")) == 1
    await harness.deliver(harness.report(event_id))
    assert len((await harness.recorded()).feedback) == 1


async def test_weeks_are_made_once_by_many(harness: Any) -> None:
    harness.clock.move(days=200)
    await asyncio.gather(*(harness.retain() for _ in range(3)))
    assert week_of(harness.clock.now()) in await weeks(harness)


async def test_everything_goes_after_its_days_and_not_before(harness: Any, event_id: str) -> None:
    await harness.deliver(harness.event(event_id), harness.report(event_id), harness.report(random_id()))
    await harness.deliver(harness.event(event_id))
    harness.clock.move(days=6)
    await harness.retain()
    assert await counts(harness) == {"events": 1, "reports": 2, "groups": 1, "refusals": 1}
    harness.clock.move(days=83)
    await harness.retain()
    assert await counts(harness) == {"events": 1, "reports": 2, "groups": 1, "refusals": 0}
    harness.clock.move(days=9)
    await harness.retain(retention_chunk_max=1)
    assert await counts(harness) == {"events": 0, "reports": 0, "groups": 0, "refusals": 0}
    assert (await weeks(harness))[0] >= week_of(harness.clock.now() - timedelta(days=90))


async def test_report_whose_event_never_came_has_its_outcome_when_it_goes(harness: Any, event_id: str) -> None:
    await harness.deliver(harness.report(event_id))
    harness.clock.move(days=91)
    await harness.retain()
    recorded = await harness.recorded()
    assert recorded.counts(int(DataCategory.FEEDBACK)) == {(Outcome.INVALID, "event_never_arrived"): 1}
    step = recorded.steps[-1]
    assert (step.submission_id, step.state) == (event_id, SubmissionState.DROPPED)
    assert step.reason == "event_never_arrived"


async def test_project_that_keeps_less_loses_its_own_rows_only(harness: Any, redis: Any) -> None:
    await publish_project(redis, project_id=2, options={"hearback:retention_days": 10})
    for project_id in (1, 2):
        event = harness.event(project_id=project_id)
        await harness.deliver(event, harness.report(event.event_id, project_id=project_id))
    harness.clock.move(days=11)
    late = random_id()
    await harness.deliver(harness.event(late, project_id=2, message="another"))
    await harness.retain(retention_chunk_max=1)
    for table in ("events", "reports", "groups"):
        rows = await harness.rows(f"SELECT project_id FROM {table} ORDER BY project_id")
        assert [row.project_id for row in rows] == ([1] if table == "reports" else [1, 2])
