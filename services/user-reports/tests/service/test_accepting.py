"""What a rule refused keeps its words, and is taken in after all when a person says so: once."""

from typing import Any

import orjson
import pytest
from hearback_contracts.events import FeedbackSubmitted, SubmissionStep, UserReportSubmitted
from hearback_contracts.outcomes import SubmissionState
from hearback_contracts.sources import FeedbackSource
from hearback_kit.values.ids import derived_id, random_id

ENVELOPE = FeedbackSource.USER_REPORT_ENVELOPE


async def refused(harness: Any) -> SubmissionStep:
    """The step of the refused report."""
    steps = [step for step in (await harness.recorded()).steps if step.payload is not None]
    assert steps, "no step keeps words"
    return steps[-1]


def accepted(step: SubmissionStep) -> tuple[UserReportSubmitted, bytes]:
    """The message by which a member takes the report of a step in."""
    assert isinstance(step.refused, UserReportSubmitted)
    update = {"id": derived_id("accept", step.refused.id), "accepted_by": "owner@example.com"}
    return step.refused.model_copy(update=update), orjson.dumps(step.payload)


async def feedback(harness: Any) -> list[tuple[FeedbackSubmitted, dict[str, Any]]]:
    recorded = await harness.recorded()
    return [(f, p["contexts"]["feedback"]) for f, p in zip(recorded.feedback, recorded.payloads, strict=True)]


async def test_a_report_on_an_old_event_is_linked_after_all(harness: Any) -> None:
    event_id = random_id()
    await harness.deliver(harness.event(event_id))
    harness.clock.move(minutes=31)
    await harness.deliver(harness.report(event_id, "late"))
    step = await refused(harness)
    assert (step.submission_id, step.state, step.reason) == (event_id, "invalid", "Associated event is too old")
    assert step.payload is not None
    assert step.payload["comments"] == "late"
    await harness.deliver(accepted(step), accepted(step))
    ((message, said),) = await feedback(harness)
    assert (message.submission_id, message.accepted_by, message.source) == (
        event_id,
        "owner@example.com",
        ENVELOPE,
    )
    assert (said["message"], said["associated_event_id"]) == ("late", event_id)
    last = (await harness.recorded()).steps[-1]
    assert (last.submission_id, last.state) == (event_id, SubmissionState.LINKED)


async def test_a_second_report_stands_beside_the_first(harness: Any) -> None:
    event_id = random_id()
    await harness.deliver(harness.event(event_id), harness.report(event_id, "first"))
    harness.clock.move(minutes=6)
    await harness.deliver(harness.report(event_id, "second"))
    step = await refused(harness)
    assert (step.step, step.state) == ("duplicate_refused", SubmissionState.LINKED)
    await harness.deliver(accepted(step))
    found = await feedback(harness)
    assert [said["message"] for _, said in found] == ["first", "second"]
    assert len({message.event_id for message, _ in found}) == 2
    rows = await harness.rows("SELECT comments FROM reports WHERE group_id IS NOT NULL ORDER BY id")
    assert [row.comments for row in rows] == ["first", "second"]


async def test_both_wait_for_their_event_and_both_are_linked(harness: Any) -> None:
    event_id = random_id()
    await harness.deliver(harness.report(event_id, "first"))
    harness.clock.move(minutes=6)
    await harness.deliver(harness.report(event_id, "second"))
    await harness.deliver(accepted(await refused(harness)))
    assert await feedback(harness) == []
    await harness.deliver(harness.event(event_id))
    assert sorted(said["message"] for _, said in await feedback(harness)) == ["first", "second"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"comments": "w" * 5_000}, "Message Too Large"),
        ({"name": "n" * 200}, "Name Too Large"),
        ({"email": "e" * 200}, "Email Too Large"),
    ],
)
async def test_what_is_too_large_is_taken_in_whole(harness: Any, fields: dict[str, str], reason: str) -> None:
    event_id = random_id()
    payload = {"event_id": event_id, "comments": "It broke", **fields}
    await harness.deliver(harness.event(event_id), harness.report(event_id, payload=payload))
    step = await refused(harness)
    assert (step.reason, step.payload) == (reason, payload)
    await harness.deliver(accepted(step))
    ((message, said),) = await feedback(harness)
    assert said["message"] == payload["comments"]
    assert message.accepted_by is not None


@pytest.mark.parametrize("payload", [{"comments": "x"}, {"event_id": "nonsense", "comments": "x"}])
async def test_a_report_about_no_valid_event_becomes_a_feedback_without_a_link(
    harness: Any, payload: dict[str, Any]
) -> None:
    message, body = harness.report("", payload=payload)
    await harness.deliver((message.model_copy(update={"event_id": None}), body))
    step = await refused(harness)
    assert step.submission_id == message.id
    await harness.deliver(accepted(step), accepted(step))
    ((sent, said),) = await feedback(harness)
    assert sent.submission_id == message.id
    assert "associated_event_id" not in said
    last = (await harness.recorded()).steps[-1]
    assert (last.submission_id, last.state) == (message.id, SubmissionState.STORED)


async def test_what_is_switched_off_or_denied_or_garbage_keeps_no_words(harness: Any, redis: Any) -> None:
    from hearback_devkit.fleet import publish_project

    await publish_project(redis, project_id=5, features={"organizations:user-feedback-ingest": False})
    await publish_project(redis, project_id=6, options={"feedback:filter_garbage_messages": True})
    for project_id, comments in ((4, "x"), (5, "x"), (6, " ")):
        await harness.deliver(harness.report(random_id(), comments, project_id=project_id))
    assert [step.payload for step in (await harness.recorded()).steps] == [None] * 3


async def test_the_words_of_a_huge_report_are_cut(harness: Any) -> None:
    payload = {"event_id": random_id(), "comments": "w" * 500_000}
    await harness.deliver(harness.report("", payload=payload))
    step = await refused(harness)
    assert len(orjson.dumps(step.payload)) <= 65_536
    await harness.deliver(accepted(step))
    (row,) = await harness.rows("SELECT comments FROM reports")
    assert set(row.comments) == {"w"}
