"""Every order in which a report and its event can come: exactly one feedback, rightly linked (issue 3, 1)."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hearback_contracts.categories import DataCategory
from hearback_contracts.outcomes import Outcome, SubmissionState
from hearback_contracts.reasons import Reason
from hearback_contracts.sources import FeedbackSource
from hearback_kit.ids import derived_id, random_id

ERROR, FEEDBACK = int(DataCategory.ERROR), int(DataCategory.FEEDBACK)
ENVELOPE = FeedbackSource.USER_REPORT_ENVELOPE


async def test_report_links_at_once_when_its_event_came_first(bench) -> None:
    event_id = random_id()
    await bench.deliver(bench.event(event_id), bench.report(event_id))
    told = await bench.told()
    (feedback,) = told.feedback
    assert feedback.event_id == derived_id(1, event_id)
    assert feedback.submission_id == event_id
    assert feedback.source is ENVELOPE
    (row,) = await bench.rows("SELECT group_id, environment, linked_at FROM reports")
    (group,) = await bench.rows("SELECT id FROM groups")
    assert (row.group_id, row.environment) == (group.id, "staging")
    assert group.id % 2 == 1


async def test_report_waits_and_links_when_its_event_arrives(bench) -> None:
    event_id = random_id()
    await bench.deliver(bench.report(event_id))
    told = await bench.told()
    assert not told.feedback
    assert [step.state for step in told.steps] == [SubmissionState.WAITING_FOR_EVENT]
    bench.clock.move(hours=3)
    await bench.deliver(bench.event(event_id))
    told = await bench.told()
    assert [f.source for f in told.feedback] == [ENVELOPE]
    assert told.steps[-1].state is SubmissionState.LINKED
    assert told.counts(ERROR) == {(Outcome.ACCEPTED, None): 1}
    assert told.counts(FEEDBACK) == {}
