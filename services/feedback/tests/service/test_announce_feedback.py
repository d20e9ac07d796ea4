"""What is announced to the notifier: each stored feedback once, and each change of a status once."""

from datetime import timedelta
from typing import Any

import orjson
import pytest
from hearback_contracts.events import FeedbackSubmitted
from hearback_contracts.notices import FeedbackChanged, FeedbackCreated
from hearback_contracts.sources import FeedbackSource
from hearback_contracts.streams import FEEDBACK_CHANGED
from hearback_devkit.fleet import publish_project, signed_in
from hearback_devkit.testing import eventually
from hearback_kit.bus import Outgoing

from ..conftest import EVENT, NOW, SPAM, Api, Files, Intake, payload, submitted

LIST = "/api/0/organizations/demo/issues/"


@pytest.mark.parametrize("source", list(FeedbackSource))
async def test_every_source_is_announced_with_what_people_need(intake: Intake, source: FeedbackSource) -> None:
    body = payload(
        "The button is dead", feedback={"name": "Jane", "contact_email": "jane@example.com", "url": "https://x.io/",
                                        "associated_event_id": "c" * 32},
        environment="staging", release="web@1", platform="javascript", level="error",
        tags={f"tag{number:03}": "v" * 300 for number in range(100)},
    )  # fmt: skip
    recorded = await intake.take(submitted(body, event_id=EVENT, source=source, submission_id="b" * 32))
    [message] = recorded.created
    found = message.feedback
    assert message.project_id == found.organization_id == 1
    assert (found.short_id, found.event_id, found.submission_id) == ("WEB-1", EVENT, "b" * 32)
    assert (found.source, found.is_spam, found.attachments) == (source, None, 0)
    assert (found.title, found.message) == ("User Feedback: The button is dead", "The button is dead")
    assert (found.name, found.contact_email, found.url) == ("Jane", "jane@example.com", "https://x.io/")
    assert (found.environment, found.release) == ("staging", "web@1")
    assert (found.platform, found.level) == ("javascript", "error")
    assert (found.associated_event_id, found.received_at) == ("c" * 32, NOW)
    assert len(found.tags) == 50
    assert max(map(len, found.tags.values())) == 200
    assert [step.feedback_id for step in recorded.steps] == [str(found.issue_id)]
    assert recorded.changed == []


async def test_only_what_is_stored_is_announced_and_once(intake: Intake) -> None:
    message = submitted(event_id=EVENT)
    first = await intake.take(message, submitted(payload("")), message)
    again = await intake.take(message, submitted(payload("more words"), event_id=EVENT, revision=1))
    assert [created.feedback.event_id for created in first.created] == [EVENT]
    assert (again.created, again.changed) == ([], [])


@pytest.mark.parametrize("is_slow", [False, True])
async def test_what_is_stored_together_is_announced_by_few_messages(
    intake: Intake, redis: Any, is_slow: bool
) -> None:
    await publish_project(redis, project_id=2, organization_id=2)
    together = intake.changed(announces_together=True)
    known = submitted()  # one of a batch that is known makes all of it go the slow path
    await together.take(known)
    more = [known] if is_slow else []
    batch = [submitted(project_id=number % 2 + 1, organization_id=number % 2 + 1) for number in range(20)]
    first = await together.take(*more, *batch)
    again = await together.take(*batch[::-1])
    assert {one.feedback.event_id for one in first.created} == {event_of(one) for one in batch}
    assert len(first.created) == len({one.feedback.short_id for one in first.created}) == 20
    assert {one.project_id for one in first.created} == {1, 2}
    assert all(one.project_id == one.feedback.organization_id for one in first.created)
    assert first.announcements == 4
    assert (again.created, again.announcements) == ([], 0)


def event_of(message: Outgoing) -> str:
    return str(orjson.loads(message.data)["event_id"])


async def test_what_a_person_took_in_after_all_is_stored_and_announced_once(intake: Intake) -> None:
    body = payload("x" * 5_000, feedback={"associated_event_id": "none"})
    refused = await intake.take(submitted(body, event_id=EVENT))
    [step] = refused.steps
    assert (step.reason, refused.created) == ("too_large", [])
    assert step.payload is not None
    assert step.payload["contexts"]["feedback"]["message"] == "x" * 5_000
    assert isinstance(step.refused, FeedbackSubmitted)
    again = submitted(body, event_id=EVENT, accepted_by="owner@example.com")
    taken = await intake.take(again, again)
    assert [(step.state, step.step) for step in taken.steps] == [("stored", "stored")]
    # Who took it in took back what the refusal counted.
    assert [(one.category, one.outcome, one.quantity) for one in taken.outcomes] == [(14, 0, 1)]
    assert [len(created.feedback.message) for created in taken.created] == [5_000]
    assert taken.created[0].feedback.associated_event_id is None
    later = await intake.take(again)
    assert (later.created, later.steps, later.outcomes) == ([], [], [])


async def test_screenshots_that_came_before_are_counted(files: Files) -> None:
    await files.store()
    await files.store(name="two.png")
    recorded = await files.api.intake.take(submitted(event_id=EVENT), submitted())
    assert sorted(created.feedback.attachments for created in recorded.created) == [0, 2]


async def test_a_revision_whose_verdict_differs_changes_the_status(judging: Intake) -> None:
    await judging.take(submitted(payload("good words"), event_id=EVENT))
    spam = await judging.take(submitted(payload(SPAM), event_id=EVENT, revision=1))
    same = await judging.take(submitted(payload(SPAM + "!"), event_id=EVENT, revision=2))
    good = await judging.take(submitted(payload("good words"), event_id=EVENT, revision=3))
    moves = [(m.previous_status, m.status, m.changed_by, m.feedback.is_spam) for m in spam.changed + good.changed]
    assert moves == [("unresolved", "ignored", None, True), ("ignored", "unresolved", None, False)]
    assert same.changed == []
    assert spam.created == good.created == []


async def changes(api: Api, redis: Any, count: int) -> list[FeedbackChanged]:
    """The first `count` changes in the stream."""

    async def found() -> list[FeedbackChanged]:
        entries = await redis.xrange(FEEDBACK_CHANGED.key(1, api.intake.settings.stream_shards))
        messages = [FeedbackChanged.model_validate_json(entry[b"d"]) for _, entry in entries]
        return messages if len(messages) >= count else []

    messages: list[FeedbackChanged] = await eventually(found)
    return messages


@pytest.mark.parametrize("many", [False, True])
async def test_triage_announces_each_change_of_a_status(api: Api, redis: Any, many: bool) -> None:
    await api.submit(event_id=EVENT)
    issue = (await api.issue(EVENT))["id"]
    path = f"{LIST}?id={issue}" if many else f"{LIST}{issue}/"
    dev = signed_in(api.app, email="dev@example.com")
    for body in ({"status": "ignored"}, {"hasSeen": True}, {"status": "ignored"}, {"status": "unresolved"},
                 {"priority": "high"}, {"status": "resolved"}):  # fmt: skip
        assert (await api.client.put(path, json=body, headers=dev)).status_code == 200
    messages = await changes(api, redis, 3)
    assert [m.status for m in messages] == ["ignored", "unresolved", "resolved"]
    assert [m.previous_status for m in messages] == ["unresolved", "ignored", "unresolved"]
    assert {m.changed_by for m in messages} == {"dev@example.com"}
    about = {(m.feedback.event_id, m.feedback.issue_id, m.feedback.short_id) for m in messages}
    assert about == {(EVENT, int(issue), "WEB-1")}


async def test_a_long_message_is_announced_by_its_beginning(intake: Intake) -> None:
    long = intake.changed(message_characters_max=100_000)
    recorded = await long.take(submitted(payload("x" * 90_000), received_at=NOW - timedelta(hours=1)))
    [message] = recorded.created
    assert isinstance(message, FeedbackCreated)
    assert len(message.feedback.message) == 20_000
