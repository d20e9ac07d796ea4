"""What a spam verdict does to a feedback, its mailbox and its fate."""

from typing import Any

import pytest
import pytest_asyncio
from feedback.domain.spam import Content
from feedback.service.judge_spam import LocalJudge, load_prior
from feedback.store.spam_taught import find_versions
from hearback_contracts.events import OutcomeRecorded
from hearback_contracts.flags import Feature
from hearback_contracts.options import Option
from hearback_contracts.sources import FeedbackSource
from hearback_contracts.streams import OUTCOME_RECORDED
from hearback_devkit.fleet import publish_project
from hearback_devkit.testing import eventually

from ..conftest import JUDGED, SPAM, Api, Intake, payload, submitted

LIST = "/api/0/organizations/demo/issues/"
EVENT = "a" * 32


@pytest.mark.parametrize("actions", [True, False])
@pytest.mark.parametrize(
    ("feature", "option", "enabled"), [(True, True, True), (True, False, False), (False, True, False)]
)
async def test_flags_and_option_decide_what_is_judged_and_ignored(
    intake: Intake, redis: Any, feature: bool, option: bool, enabled: bool, actions: bool
) -> None:
    features = {Feature.SPAM_FILTER_INGEST: feature, Feature.SPAM_FILTER_ACTIONS: actions}
    await publish_project(redis, project_id=2, features=features, options={Option.SPAM_DETECTION: option})
    recorded = await intake.take(submitted(payload(SPAM), event_id=EVENT, project_id=2))
    row = await intake.row(EVENT)
    assert row.evidence["spam_detection_enabled"] is enabled
    assert row.evidence["is_spam"] is (True if enabled else None)
    assert ("spam_signs" in row.evidence) is enabled
    assert row.status == ("ignored" if enabled and actions else "unresolved")
    assert recorded.quantities() == {(14, 0, None): 1}, "spam is accepted, once"
    assert [step.state for step in recorded.steps] == ["spam" if enabled else "stored"]
    assert [message.feedback.is_spam for message in recorded.created] == [True if enabled else None]


async def test_spam_lies_in_its_mailbox_with_its_signs_and_fate(judging: Intake) -> None:
    message = submitted(payload(SPAM), event_id=EVENT)
    recorded = await judging.take(message, submitted(payload("good")), message)
    again = await judging.take(message)
    row = await judging.row(EVENT)
    assert (row.status, row.substatus, row.message) == ("ignored", "archived_forever", SPAM)
    assert row.evidence["spam_signs"] == ["spam_phrase", "spam_phrases", "link_density", "classifier"]
    [step] = [step for step in recorded.steps if step.submission_id == EVENT]
    assert (step.state, step.step, step.reason, step.feedback_id) == ("spam", "judged_spam", "spam", str(row.id))
    assert step.details[:4] == ("spam_phrase", "spam_phrases", "link_density", "classifier")
    assert step.details[4:] == tuple(row.evidence["spam_reasons"])
    assert [step.details for step in recorded.steps if step.submission_id != EVENT] == [()]
    assert [step.state for step in recorded.steps if step.submission_id != EVENT] == ["stored"]
    assert recorded.quantities() == {(14, 0, None): 2}
    assert (again.steps, again.outcomes) == ([], [])


async def test_marks_of_the_form_decide(judging: Intake) -> None:
    form = FeedbackSource.CRASH_REPORT_EMBED_FORM
    await judging.take(submitted(payload("harmless words"), event_id=EVENT, source=form, marks=("honeypot",)))
    row = await judging.row(EVENT)
    assert row.status == "ignored"
    assert row.evidence["spam_signs"] == row.evidence["marks"] == ["honeypot"]


@pytest.mark.parametrize(
    ("prior", "text", "is_spam"),
    [(object(), SPAM, None), (object(), "good", None), (None, SPAM, True), (None, "good", None)],
    ids=["broken-spam", "broken-good", "absent-spam", "absent-good"],
)
async def test_a_classifier_that_fails_or_is_absent_loses_nothing(
    judging: Intake, prior: Any, text: str, is_spam: bool | None
) -> None:
    judge = LocalJudge(judging.database, prior)
    recorded = await judging.changed(spam_judge=judge).take(submitted(payload(text), event_id=EVENT))
    row = await judging.row(EVENT)
    assert (row.evidence["is_spam"], row.evidence["spam_detection_enabled"]) == (is_spam, True)
    assert row.status == ("ignored" if is_spam else "unresolved")
    assert recorded.quantities() == {(14, 0, None): 1}
    assert [message.feedback.is_spam for message in recorded.created] == [is_spam]


@pytest.mark.parametrize("source", FeedbackSource)
@pytest.mark.parametrize(
    "page",
    [{"feedback": {"url": "https://PAGE/cart"}}, {"request": {"url": "https://PAGE/cart"}}],
    ids=["context", "request"],
)
async def test_each_door_tells_the_page(judging: Intake, source: FeedbackSource, page: dict[str, Any]) -> None:
    """The widget names the page in its context, other SDKs and the reports of an error in the request."""
    text = "Cheap backlinks and guest posts, order now at https://links.pills.example/"
    for host, event_id in (("shop.example", EVENT), ("www.pills.example", "b" * 32)):
        event = {name: {"url": value["url"].replace("PAGE", host)} for name, value in page.items()}
        await judging.take(submitted(payload(text, **event), event_id=event_id, source=source))
    reason = "link to another site: links.pills.example"
    assert reason in (await judging.row(EVENT)).evidence["spam_reasons"]
    assert reason not in (await judging.row("b" * 32)).evidence.get("spam_reasons", ())


async def test_the_longest_message_is_judged(judging: Intake) -> None:
    judge = LocalJudge(judging.database, load_prior())
    assert judge.judge(1, Content(("buy https://x.example/ now " * 200)[:4_096])).is_spam is True


async def test_the_reasons_of_the_classifier_are_shown(judging: Intake) -> None:
    text = "Rank higher: 500 dofollow backlinks for $49, write to seo@rank.example"
    await judging.take(submitted(payload(text), event_id=EVENT))
    row = await judging.row(EVENT)
    assert row.evidence["is_spam"] is True
    assert "classifier" in row.evidence["spam_signs"]
    assert row.evidence["spam_reasons"]


NEW_KIND = "Our {0} choir sings for weddings in {1}, book the {2} package before spring"
SUBJECTS = ("boys", "jazz", "church", "village", "gospel", "school", "men", "alpine", "folk", "opera", "student",
            "chamber", "harbour", "mountain", "city")  # fmt: skip
TOWNS = ("Graz", "Linz", "Wels", "Steyr", "Baden", "Krems", "Enns", "Hallein", "Lienz", "Bludenz", "Gmunden",
         "Tulln", "Zwettl", "Schwaz", "Imst")  # fmt: skip
PACKAGES = ("gold", "silver", "small", "large", "family", "deluxe", "basic", "summer", "garden", "evening",
            "premium", "royal", "classic", "simple", "grand")  # fmt: skip


async def mark(api: Api, event_id: str, status: str) -> None:
    issue = await api.issue(event_id)
    assert (await api.client.put(f"{LIST}{issue['id']}/", json={"status": status})).status_code == 200


async def test_ten_marks_teach_a_new_kind_of_spam(judging_api: Api) -> None:
    texts = [NEW_KIND.format(*words) for words in zip(SUBJECTS, TOWNS, PACKAGES, strict=True)]
    for text in texts[:10]:
        event_id = await judging_api.submit(text)
        if (await judging_api.issue(event_id))["status"] != "ignored":
            await mark(judging_api, event_id, "ignored")
    later = [await judging_api.issue(await judging_api.submit(text)) for text in texts[10:]]
    assert [row["status"] for row in later] == ["ignored"] * 5
    ordinary = await judging_api.issue(await judging_api.submit("The export button does nothing in Firefox"))
    assert ordinary["status"] == "unresolved"


async def test_one_not_spam_clears_the_same_words_for_good(judging_api: Api) -> None:
    await judging_api.submit(SPAM, event_id=EVENT)
    await mark(judging_api, EVENT, "unresolved")
    again = await judging_api.issue(await judging_api.submit("  cheap pills http://pills.example/ EARN money"))
    assert again["status"] == "unresolved"
    other = await judging_api.issue(await judging_api.submit("Online casino and cheap viagra at casino.example"))
    assert other["status"] == "ignored"


@pytest.mark.parametrize("body", [{"status": "ignored", "ignoreDuration": 60}, {"status": "resolved"}])
async def test_what_is_no_judgement_teaches_nothing(judging_api: Api, body: dict[str, Any]) -> None:
    await judging_api.submit("The export button does nothing", event_id=EVENT)
    issue = await judging_api.issue(EVENT)
    assert (await judging_api.client.put(f"{LIST}{issue['id']}/", json=body)).status_code == 200
    async with judging_api.intake.database.connection() as connection:
        assert await find_versions(connection, [1]) == {}


async def test_no_organization_learns_from_another(judging_api: Api, redis: Any) -> None:
    await publish_project(redis, project_id=7, organization_id=7, features=JUDGED)
    await judging_api.submit(SPAM, event_id=EVENT)
    await mark(judging_api, EVENT, "unresolved")
    await judging_api.submit(SPAM, event_id="7" * 32, project_id=7, organization_id=7)
    assert (await judging_api.intake.row("7" * 32)).status == "ignored"


@pytest.mark.parametrize(
    ("first", "second", "status", "steps"),
    [
        ("good", SPAM, "ignored", ["stored", "spam"]),
        (SPAM, "good", "unresolved", ["spam", "stored"]),
        (SPAM, SPAM + "!", "ignored", ["spam", "spam"]),
        (SPAM, "", "ignored", ["spam", "spam"]),
    ],
)
async def test_a_revision_is_judged_again(
    judging: Intake, first: str, second: str, status: str, steps: list[str]
) -> None:
    recorded = await judging.take(submitted(payload(first), event_id=EVENT))
    later = await judging.take(submitted(payload(second), event_id=EVENT, revision=1))
    row = await judging.row(EVENT)
    assert row.status == status
    assert [step.state for step in recorded.steps + later.steps] == steps
    assert later.outcomes == []


@pytest.mark.parametrize(("first", "choice"), [(SPAM, "unresolved"), (SPAM, "ignored"), ("good", "ignored")])
async def test_a_revision_does_not_undo_what_a_person_chose(judging_api: Api, first: str, choice: str) -> None:
    await judging_api.submit(first, event_id=EVENT)
    issue = await judging_api.issue(EVENT)
    await judging_api.client.put(f"{LIST}{issue['id']}/", json={"status": choice})
    for revision, words in enumerate([SPAM + "!", "good"], start=1):
        await judging_api.submit(words, event_id=EVENT, revision=revision)
        assert (await judging_api.issue(EVENT))["status"] == choice


@pytest.mark.parametrize(
    ("words", "mailbox"),
    [("and worse", ("unresolved", "regressed", {})), ("good", ("resolved", None, {"inRelease": "1"})),
     (SPAM, ("resolved", None, {"inRelease": "1"}))],
    ids=["other", "the same", "spam"],
)  # fmt: skip
async def test_other_words_on_what_was_resolved_return_it_to_the_inbox(
    judging_api: Api, words: str, mailbox: tuple[Any, ...]
) -> None:
    await judging_api.submit("good", event_id=EVENT)
    issue = await judging_api.issue(EVENT)
    resolved = {"status": "resolved", "statusDetails": {"inRelease": "1"}, "hasSeen": True}
    await judging_api.client.put(f"{LIST}{issue['id']}/", json=resolved)
    await judging_api.submit(words, event_id=EVENT, revision=1)
    found = await judging_api.issue(EVENT)
    assert (found["status"], found["substatus"], found["statusDetails"]) == mailbox
    assert found["hasSeen"] is (words == "good")


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
