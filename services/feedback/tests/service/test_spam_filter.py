"""What a spam verdict does to a feedback, its mailbox and its fate."""

from typing import Any

import pytest
import pytest_asyncio
from feedback.domain.spam import Content, SpamVerdict
from feedback.store.tables import FEEDBACK
from hearback_contracts.events import OutcomeRecorded
from hearback_contracts.flags import Feature
from hearback_contracts.options import Option
from hearback_contracts.sources import FeedbackSource
from hearback_contracts.streams import OUTCOME_RECORDED
from hearback_devkit.fleet import publish_project
from hearback_devkit.testing import eventually
from sqlalchemy import select

from ..conftest import MEMBERS, Api, Intake, payload, submitted

LIST = "/api/0/organizations/demo/issues/"
SPAM = "CHEAP PILLS! http://pills.example/ earn money"
EVENT = "a" * 32


@pytest_asyncio.fixture
async def judging(intake: Intake, redis: Any) -> Intake:
    """The intake of a project that asks for verdicts."""
    await publish_project(redis, members=MEMBERS, features={Feature.SPAM_FILTER_INGEST: True})
    return intake


async def row_of(intake: Intake, event_id: str = EVENT) -> Any:
    async with intake.database.connection() as connection:
        return (await connection.execute(select(FEEDBACK).where(FEEDBACK.c.event_id == event_id))).one()


@pytest.mark.parametrize(
    ("feature", "option", "enabled"), [(True, True, True), (True, False, False), (False, True, False)]
)
async def test_flag_and_option_together_ask_for_a_verdict(
    intake: Intake, redis: Any, feature: bool, option: bool, enabled: bool
) -> None:
    await publish_project(
        redis,
        project_id=2,
        features={Feature.SPAM_FILTER_INGEST: feature},
        options={Option.SPAM_DETECTION: option},
    )
    recorded = await intake.take(submitted(payload(SPAM), event_id=EVENT, project_id=2))
    row = await row_of(intake)
    assert row.evidence["spam_detection_enabled"] is enabled
    assert row.evidence["is_spam"] is (True if enabled else None)
    assert ("spam_signs" in row.evidence) is enabled
    assert row.status == ("ignored" if enabled else "unresolved")
    assert recorded.quantities() == {(14, 0, None): 1}, "spam is accepted, once"


async def test_spam_lies_in_its_mailbox_with_its_signs_and_fate(judging: Intake) -> None:
    message = submitted(payload(SPAM), event_id=EVENT)
    recorded = await judging.take(message, submitted(payload("good")), message)
    again = await judging.take(message)
    row = await row_of(judging)
    assert (row.status, row.substatus, row.message) == ("ignored", "archived_forever", SPAM)
    assert row.evidence["spam_signs"] == ["spam_phrase", "spam_phrases", "link_density"]
    [step] = [step for step in recorded.steps if step.submission_id == EVENT]
    assert (step.state, step.step, step.reason, step.feedback_id) == ("spam", "judged_spam", "spam", str(row.id))
    assert [step.state for step in recorded.steps if step.submission_id != EVENT] == ["stored"]
    assert recorded.quantities() == {(14, 0, None): 2}
    assert (again.steps, again.outcomes) == ([], [])


async def test_marks_of_the_form_decide(judging: Intake) -> None:
    form = FeedbackSource.CRASH_REPORT_EMBED_FORM
    await judging.take(submitted(payload("harmless words"), event_id=EVENT, source=form, marks=("honeypot",)))
    row = await row_of(judging)
    assert (row.status, row.evidence["spam_signs"], row.evidence["marks"]) == (
        "ignored",
        ["honeypot"],
        ["honeypot"],
    )


async def test_a_judge_that_fails_gives_null_and_loses_nothing(judging: Intake) -> None:
    def broken(_content: Content) -> SpamVerdict:
        raise ZeroDivisionError

    recorded = await judging.changed(spam_judge=broken).take(submitted(payload(SPAM), event_id=EVENT))
    row = await row_of(judging)
    assert (row.status, row.evidence["is_spam"], row.evidence["spam_detection_enabled"]) == (
        "unresolved",
        None,
        True,
    )
    assert [step.state for step in recorded.steps] == ["stored"]
    assert recorded.quantities() == {(14, 0, None): 1}


@pytest.mark.parametrize(
    ("first", "second", "status", "steps"),
    [
        ("good", SPAM, "ignored", ["stored", "spam"]),
        (SPAM, "good", "unresolved", ["spam", "stored"]),
        (SPAM, SPAM + "!", "ignored", ["spam", "spam"]),
        (SPAM, "", "ignored", ["spam", "spam"]),
    ],
)
async def test_a_revision_is_judged_anew(
    judging: Intake, first: str, second: str, status: str, steps: list[str]
) -> None:
    recorded = await judging.take(submitted(payload(first), event_id=EVENT))
    later = await judging.take(submitted(payload(second), event_id=EVENT, revision=1))
    row = await row_of(judging)
    assert row.status == status
    assert [step.state for step in recorded.steps + later.steps] == steps
    assert later.outcomes == []


@pytest.mark.parametrize(
    ("first", "choice"), [(SPAM, "unresolved"), (SPAM, "ignored"), ("good", "resolved"), ("good", "ignored")]
)
async def test_a_revision_does_not_undo_what_a_person_chose(judging_api: Api, first: str, choice: str) -> None:
    await judging_api.submit(first, event_id=EVENT)
    issue = await judging_api.issue(EVENT)
    await judging_api.client.put(f"{LIST}{issue['id']}/", json={"status": choice})
    for revision, words in enumerate([SPAM + "!", "good"], start=1):
        await judging_api.submit(words, event_id=EVENT, revision=revision)
        assert (await judging_api.issue(EVENT))["status"] == choice


@pytest_asyncio.fixture
async def judging_api(judging: Intake, api: Api) -> Api:
    """The API of a project that asks for verdicts."""
    return api


async def published_steps(api: Api, redis: Any) -> list[Any]:
    """The steps of triage in the stream, in their order; the running app publishes them as they come."""
    entries = await redis.xrange(OUTCOME_RECORDED.key(1, api.intake.settings.stream_shards))
    messages = [OutcomeRecorded.model_validate_json(entry[b"d"]) for _, entry in entries]
    return [step for recorded in messages for step in recorded.steps if step.step.startswith("marked")]


@pytest.mark.parametrize("many", [False, True])
async def test_not_spam_turns_the_fate_back_and_keeps_the_history(
    judging_api: Api, redis: Any, many: bool
) -> None:
    api = judging_api
    await api.intake.take(submitted(payload(SPAM), event_id=EVENT))
    [issue] = await api.list("is:ignored")
    path = f"{LIST}?id={issue['id']}" if many else f"{LIST}{issue['id']}/"
    for status in ("ignored", "unresolved", "resolved", "ignored", "resolved"):
        assert (await api.client.put(path, json={"status": status})).status_code == 200

    async def found() -> list[Any]:
        steps = await published_steps(api, redis)
        return steps if len(steps) >= 3 else []

    steps = await eventually(found)
    assert [(step.step, step.state, step.reason) for step in steps] == [
        ("marked_not_spam", "stored", None),
        ("marked_spam", "spam", "spam"),
        ("marked_not_spam", "stored", None),
    ]
    assert {(step.submission_id, step.feedback_id) for step in steps} == {(EVENT, issue["id"])}
    latest = (await api.client.get(f"{LIST}{issue['id']}/events/latest/")).json()
    evidence = latest["occurrence"]["evidenceData"]
    assert (evidence["is_spam"], evidence["spam_signs"][0]) == (True, "spam_phrase"), "what was judged stays"
    rows = {row["name"]: row["value"] for row in latest["occurrence"]["evidenceDisplay"]}
    assert (rows["is_spam"], rows["spam_detection_enabled"]) == ("True", "True")
