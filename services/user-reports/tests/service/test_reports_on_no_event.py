"""The all-zero event id is no event: each report on it is a feedback of its own."""

from typing import Any

import pytest
from hearback_contracts.categories import DataCategory
from hearback_contracts.outcomes import SubmissionState
from hearback_contracts.sources import FeedbackSource

ZERO = "0" * 32
SOURCES = [
    FeedbackSource.USER_REPORT_ENVELOPE,
    FeedbackSource.CRASH_REPORT_EMBED_FORM,
    FeedbackSource.USER_REPORT_DJANGO_ENDPOINT,
]


@pytest.mark.parametrize("source", SOURCES)
async def test_two_people_are_two_feedbacks(harness: Any, source: FeedbackSource) -> None:
    first, second = (harness.report(ZERO, words, source=source) for words in ("Ann's", "Bob's"))
    await harness.deliver(first, second, first)
    recorded = await harness.recorded()
    assert [p["contexts"]["feedback"]["message"] for p in recorded.payloads] == ["Ann's", "Bob's"]
    assert all("associated_event_id" not in p["contexts"]["feedback"] for p in recorded.payloads)
    assert [message.submission_id for message in recorded.feedback] == [first[0].id, second[0].id]
    assert {message.source for message in recorded.feedback} == {source}
    assert {(step.step, step.state) for step in recorded.steps} == {("no_event", SubmissionState.STORED)}


async def test_nothing_links_them_and_the_sweep_leaves_them_alone(harness: Any) -> None:
    await harness.deliver(harness.report(ZERO), harness.event(ZERO))
    result = await harness.sweep()
    assert (result.looked_at, result.linked) == (0, 0)
    (row,) = await harness.rows("SELECT group_id FROM reports")
    assert row.group_id is None
    assert len((await harness.recorded()).feedback) == 1


async def test_retention_counts_them_no_second_time(harness: Any) -> None:
    await harness.deliver(harness.report(ZERO))
    harness.clock.move(days=91)
    await harness.retain()
    assert await harness.rows("SELECT 1 FROM reports") == []
    recorded = await harness.recorded()
    assert recorded.counts(int(DataCategory.FEEDBACK)) == {}, "the feedback service counts what was handed on"
    assert len(recorded.steps) == 1
