"""Storing submissions: what is stored, refused and recorded."""

import asyncio
from datetime import timedelta
from typing import Any

import orjson
import pytest
from feedback.domain.drafts import read_submitted
from feedback.service.decide_submission import ProjectRules, Reading
from feedback.service.refuse_repeated import repeats_of
from feedback.store.tables import FEEDBACK, PROJECT
from hearback_contracts.events import FeedbackSubmitted
from hearback_contracts.reasons import Reason
from hearback_contracts.sources import FeedbackSource
from hearback_contracts.streams import FEEDBACK_SUBMITTED
from hearback_devkit.fleet import publish_project
from hearback_devkit.testing import eventually
from hearback_fleet.messages import outgoing
from sqlalchemy import select, text

from ..conftest import NOW, Api, Intake, Recorded, as_incoming, payload, submitted

ACCEPTED = (14, 0, None)
EVENT = "a" * 32


def invalid(reason: str) -> tuple[int, int, str]:
    return (14, 3, reason)


def filtered(reason: str) -> tuple[int, int, str]:
    return (14, 1, reason)


async def rows(intake: Intake) -> list[Any]:
    async with intake.database.connection() as connection:
        return list(await connection.execute(select(FEEDBACK).order_by(FEEDBACK.c.id)))


async def test_a_feedback_is_stored_counted_and_recorded(intake: Intake) -> None:
    recorded = await intake.take(submitted(event_id=EVENT))
    [row] = await rows(intake)
    assert row.id % 2 == 0
    assert (row.event_id, row.short_id, row.status) == (EVENT, "WEB-1", "unresolved")
    assert recorded.quantities() == {ACCEPTED: 1}
    [step] = recorded.steps
    assert (step.state, step.step, step.feedback_id) == ("stored", "stored", str(row.id))
    assert step.submission_id == EVENT


async def test_redelivery_stores_and_tells_nothing_more(intake: Intake) -> None:
    message = submitted(event_id=EVENT)
    await intake.take(message, message)
    recorded = await intake.take(message, submitted(event_id=EVENT.upper().lower()))
    assert recorded.outcomes == []
    assert recorded.steps == []
    assert len(await rows(intake)) == 1


@pytest.mark.parametrize("together", [False, True])
async def test_other_words_under_a_known_id_are_refused_once_and_can_be_taken_in(
    intake: Intake, api: Api, together: bool
) -> None:
    first, second = (submitted(payload(words), event_id=EVENT) for words in ("the first", "the second"))
    batches = [[first, second]] if together else [[first], [second]]
    recorded = [await intake.take(*batch) for batch in batches][-1]
    assert recorded.quantities()[invalid("duplicate")] == 1
    step = recorded.steps[-1]
    assert (step.submission_id, step.state) == (EVENT, "stored")
    assert (step.step, step.reason) == ("duplicate_refused", "duplicate")
    assert step.payload is not None
    assert step.payload["contexts"]["feedback"]["message"] == "the second"
    again = await intake.take(second, first, second)
    assert (again.outcomes, again.steps) == ([], [])
    assert isinstance(step.refused, FeedbackSubmitted)
    taken_in = step.refused.model_copy(update={"accepted_by": "owner@example.com"})
    stored = await intake.take(outgoing(FEEDBACK_SUBMITTED, taken_in, 4, body=orjson.dumps(step.payload)))
    kept = await rows(intake)
    own = kept[1].event_id
    assert [(s.submission_id, s.state, s.step, s.feedback_id, s.details) for s in stored.steps] == [
        (EVENT, "accepted", "continued_apart", None, (own,)),
        (own, "accepted", "sent_under_another_id", None, (EVENT,)),
        (own, "stored", "stored", str(kept[1].id), ()),
    ]
    assert [(row.message, row.submission_id) for row in kept] == [("the first", EVENT), ("the second", own)]
    assert (await api.client.delete(f"/api/0/organizations/demo/issues/{kept[1].id}/")).status_code == 202
    deleted = await intake.recorded()
    assert [(s.submission_id, s.state, s.step, s.reason) for s in deleted.steps] == [
        (own, "dropped", "deleted", "deleted"),
        (EVENT, "accepted", "deleted_apart", "deleted"),
    ]


@pytest.mark.parametrize(
    "body", [payload("x" * 4_097), payload(""), b"{"], ids=["too long", "empty", "unreadable"]
)
@pytest.mark.parametrize("together", [False, True])
async def test_what_a_rule_refuses_under_a_known_id_is_refused_once(
    intake: Intake, body: bytes, together: bool
) -> None:
    first, second = submitted(payload("the first"), event_id=EVENT), submitted(body, event_id=EVENT)
    batches = [[first, second]] if together else [[first], [second]]
    recorded = [await intake.take(*batch) for batch in batches][-1]
    assert recorded.quantities()[invalid("duplicate")] == 1
    assert (recorded.steps[-1].state, recorded.steps[-1].reason) == ("stored", "duplicate")
    for batch in ([first], [second], [second, first, second]):
        again = await intake.take(*batch)
        assert (again.outcomes, again.steps) == ([], [])
    assert [row.message for row in await rows(intake)] == ["the first"]


def test_what_a_project_does_not_take_says_nothing_of_its_words() -> None:
    rules = ProjectRules(None)
    key, message = (1, EVENT), read_submitted(submitted(event_id=EVENT).data)
    first, off = (
        Reading(key, message, b"{}", rules, reason) for reason in (Reason.EMPTY, Reason.FEATURE_DISABLED)
    )
    broken = Reading(key, message, b"{", rules, Reason.INVALID_JSON)
    assert repeats_of([first, off], {key: first}) == []
    assert repeats_of([first, broken], {key: first}) == [broken]


async def test_other_words_under_the_id_of_a_refusal_are_kept(intake: Intake) -> None:
    await intake.take(submitted(payload("x" * 4_097), event_id=EVENT))
    recorded = await intake.take(submitted(payload("shorter"), event_id=EVENT))
    assert recorded.quantities() == {invalid("duplicate"): 1}
    [step] = recorded.steps
    assert (step.state, step.reason) == ("filtered", "duplicate")
    assert step.refused is not None


async def test_a_refusal_that_is_repeated_with_other_words_keeps_its_state(intake: Intake) -> None:
    await intake.take(submitted(b"{", event_id=EVENT))
    [step] = (await intake.take(submitted(payload("readable"), event_id=EVENT))).steps
    assert (step.state, step.reason) == ("invalid", "duplicate")


TOO_LONG, OTHER, EMPTY = payload("x" * 4_097), payload("y" * 4_097), payload("")


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize(
    ("bodies", "state", "keeps_words"),
    [
        ((TOO_LONG, OTHER), "filtered", True),
        ((TOO_LONG, EMPTY), "filtered", True),
        ((EMPTY, OTHER), "filtered", True),
        ((b"{", b"["), "invalid", False),
        ((b"{", EMPTY), "invalid", True),
    ],
    ids=["two too long", "then empty", "first empty", "unreadable", "then readable"],
)
async def test_each_of_two_refusals_under_one_id_leaves_a_trace(
    intake: Intake, bodies: tuple[bytes, bytes], state: str, keeps_words: bool, together: bool
) -> None:
    first, second = (submitted(body, event_id=EVENT) for body in bodies)
    for batch in [[first, second]] if together else [[first], [second]]:
        recorded = await intake.take(*batch)
    assert recorded.quantities()[invalid("duplicate")] == 1
    step = recorded.steps[-1]
    assert (step.submission_id, step.state, step.reason) == (EVENT, state, "duplicate")
    assert (step.refused is not None) == keeps_words
    for batch in ([first], [second], [second, first, second]):
        again = await intake.take(*batch)
        assert (again.outcomes, again.steps) == ([], [])


async def test_what_is_refused_again_after_it_was_taken_in_is_no_repetition(intake: Intake) -> None:
    refused = submitted(TOO_LONG, event_id=EVENT)
    [step] = (await intake.take(refused)).steps
    taken_in = step.refused.model_copy(update={"accepted_by": "owner@example.com"})
    await intake.take(outgoing(FEEDBACK_SUBMITTED, taken_in, 4, body=orjson.dumps(step.payload)))
    assert len(await rows(intake)) == 1
    again = await intake.take(refused)
    assert (again.outcomes, again.steps) == ([], [])


async def test_a_deleted_feedback_that_comes_again_beside_other_words_keeps_none_of_them(
    intake: Intake, api: Api
) -> None:
    first, second = (submitted(payload(words), event_id=EVENT) for words in ("the first", "the second"))
    await intake.take(first)
    [row] = await rows(intake)
    assert (await api.client.delete(f"/api/0/organizations/demo/issues/{row.id}/")).status_code == 202
    await intake.recorded()
    for batch in ([first, second], [second, first]):
        recorded = await intake.take(*batch)
        assert recorded.outcomes == []
        assert [(step.reason, step.refused) for step in recorded.steps] == [("deleted", None)]


async def test_a_feedback_whose_name_is_shown_in_part_repeats_only_itself(intake: Intake) -> None:
    names = ("a" * 12_000, "b" * 12_000)
    first, second = (submitted(payload("dead", feedback={"name": name}), event_id=EVENT) for name in names)
    await intake.take(first)
    assert (await intake.take(second)).quantities() == {invalid("duplicate"): 1}
    for batch in ([second, first], [first, second]):
        recorded = await intake.take(*batch)
        assert (recorded.outcomes, recorded.steps) == ([], [])


async def test_of_other_words_that_two_workers_store_at_once_none_vanish(intake: Intake) -> None:
    known = submitted()  # one of a batch that is known makes all of it go the slow path
    await intake.take(known)
    batches = [[known, submitted(payload(words), event_id=EVENT)] for words in ("the first", "the second")]
    async with intake.database.transaction() as connection:
        await connection.execute(select(PROJECT).with_for_update())
        workers = [
            asyncio.create_task(intake.handler([as_incoming(message) for message in batch])) for batch in batches
        ]
        waiting = text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )

        async def both_wait() -> bool:
            async with intake.database.connection() as other:
                return (await other.execute(waiting)).scalar_one() >= len(workers)

        await eventually(both_wait)
    await asyncio.gather(*workers)
    recorded = await intake.recorded()
    assert recorded.quantities() == {ACCEPTED: 1, invalid("duplicate"): 1}


async def test_refusal_is_recorded_once(intake: Intake) -> None:
    message = submitted(payload(""), event_id=EVENT)
    first = await intake.take(message, message)
    again = await intake.take(message)
    assert first.quantities() == {invalid("empty"): 1}
    assert [(s.state, s.reason) for s in first.steps] == [("filtered", "empty")]
    assert again.outcomes == []
    assert await rows(intake) == []


@pytest.mark.parametrize(
    ("body", "reason", "state"),
    [
        (b"{", Reason.INVALID_JSON, "invalid"),
        (b"", Reason.INVALID_JSON, "invalid"),
        (b"[1]", Reason.INVALID_JSON, "invalid"),
        (b'{"contexts":{"feedback":{"message":"m","x":' + b"[" * 300 + b"]" * 300 + b"}}}",
         Reason.NESTING_TOO_DEEP, "invalid"),
        (orjson.dumps({"contexts": None}), Reason.MISSING_CONTEXT, "filtered"),
        (orjson.dumps(payload("Sent in the unattended mode")), Reason.UNREAL_UNATTENDED, "filtered"),
        (orjson.dumps(payload("x" * 4097)), Reason.TOO_LARGE, "filtered"),
        (orjson.dumps(payload(feedback={"associated_event_id": "no"})),
         Reason.INVALID_ASSOCIATED_EVENT_ID, "filtered"),
    ],
)  # fmt: skip
async def test_refused_with_reason(intake: Intake, body: bytes, reason: Reason, state: str) -> None:
    recorded = await intake.take(submitted(body))
    assert recorded.quantities() == {invalid(reason.value): 1}
    assert [(step.state, step.reason) for step in recorded.steps] == [(state, reason.value)]


async def test_text_cut_inside_an_emoji_and_nul_are_kept(intake: Intake) -> None:
    body = orjson.dumps(payload("MARK")).replace(b"MARK", rb"half \ud83d and \u0000 nul")
    await intake.take(submitted(body))
    await intake.take(submitted(payload("x\x00y", tags={"k\x00": "v\x00"})))
    assert [row.message for row in await rows(intake)] == ["half ? and  nul", "xy"]
    assert (await rows(intake))[1].tags["k"] == "v"


HUGE = "word 支 x" * 200_000


@pytest.mark.parametrize(
    "more",
    [
        {"feedback": {"name": HUGE, "contact_email": HUGE, "url": HUGE}},
        {"user": {"id": HUGE, "email": HUGE, "username": HUGE, "ip_address": HUGE}},
        {"tags": {f"tag{number}": "v" * 250 for number in range(50_000)}},
        {"tags": {HUGE: HUGE}, "release": HUGE, "dist": HUGE, "environment": HUGE, "transaction": HUGE},
        {"contexts": {f"c{n}": {f"k{m}": "v" for m in range(300)} for n in range(100)}},
        {"timestamp": 1e300, "level": [[]], "request": [HUGE]},
    ],
    ids=["words", "user", "tags", "names", "contexts", "types"],
)  # fmt: skip
async def test_what_is_very_large_is_stored_and_holds_no_one_up(intake: Intake, more: dict[str, Any]) -> None:
    body = payload("large", **more)
    recorded = await intake.take(submitted(body, event_id=EVENT), submitted(payload("another")))
    assert [step.state for step in recorded.steps] == ["stored", "stored"]
    [large] = [row for row in await rows(intake) if row.event_id == EVENT]
    assert len(large.facets) < 2_500
    assert all(len(message.model_dump_json()) < 100_000 for message in recorded.created)


@pytest.mark.parametrize(
    ("project_id", "quantity", "step"),
    [
        (5, invalid("feature_disabled"), ("invalid", "feature_disabled")),
        (9, filtered("org.denylist"), ("filtered", "org.denylist")),
        (404, invalid("project_id"), ("invalid", "project_id")),
    ],
    ids=["switched off", "denied", "unknown"],
)
async def test_what_a_project_does_not_take_is_refused(
    intake: Intake, redis: Any, project_id: int, quantity: Any, step: tuple[str, str]
) -> None:
    await publish_project(redis, project_id=5, features={"organizations:user-feedback-ingest": False})
    await publish_project(redis, project_id=9, organization_id=9, organization_slug="spammers")
    denying = intake.changed(organizations_denied=("other", "spammers"))
    recorded = await denying.take(submitted(project_id=project_id, organization_id=9 if project_id == 9 else 1))
    assert recorded.quantities() == {quantity: 1}
    assert [(s.state, s.reason) for s in recorded.steps] == [step]


@pytest.mark.parametrize("body", [payload("x" * 4097), payload(feedback={"associated_event_id": "no"})])
async def test_what_was_taken_in_and_cannot_be_stored_is_refused_once_more(
    intake: Intake, redis: Any, body: dict[str, Any]
) -> None:
    await publish_project(redis, project_id=9, organization_id=9, organization_slug="spammers")
    ids = {"project_id": 9, "organization_id": 9, "event_id": EVENT}
    await intake.take(submitted(body, **ids))
    taken_in = submitted(body, accepted_by="owner@example.com", **ids)
    denied = intake.changed(organizations_denied=("spammers",))
    recorded = await denied.take(taken_in)
    assert recorded.quantities() == {filtered(Reason.ORG_DENYLIST): 1}
    assert [(step.state, step.reason) for step in recorded.steps] == [("filtered", Reason.ORG_DENYLIST)]
    again = await denied.take(taken_in, submitted(body, **ids))
    assert (again.outcomes, again.steps) == ([], [])


async def test_what_was_taken_in_is_stored_though_its_refusal_comes_with_it(intake: Intake) -> None:
    refused = submitted(payload("x" * 4097), event_id=EVENT)
    await intake.take(refused)
    taken_in = submitted(payload("x" * 4097), event_id=EVENT, accepted_by="owner@example.com")
    assert [step.state for step in (await intake.take(refused, taken_in)).steps] == ["stored"]
    assert len(await rows(intake)) == 1


async def test_higher_revision_replaces_what_was_said(intake: Intake) -> None:
    report = FeedbackSource.USER_REPORT_ENVELOPE
    await intake.take(submitted(payload("first"), event_id=EVENT, source=report, submission_id="b" * 32))
    [before] = await rows(intake)
    body = payload("second, longer", feedback={"name": "Jane", "contact_email": "jane@example.com"})
    recorded = await intake.take(
        submitted(body, event_id=EVENT, revision=1, source=report, submission_id="b" * 32),
        submitted(payload("late"), event_id=EVENT, revision=0, source=report),
    )
    [after] = await rows(intake)
    assert (after.message, after.name, after.contact_email) == ("second, longer", "Jane", "jane@example.com")
    assert (after.title, after.evidence["message"]) == ("second, longer", "second, longer")
    assert (after.id, after.short_id, after.received_at) == (before.id, before.short_id, before.received_at)
    assert recorded.outcomes == []
    assert [(s.step, s.state, s.submission_id) for s in recorded.steps] == [("updated", "stored", "b" * 32)]
    assert "email" not in str(before.facets)
    assert "user.email=jane@example.com" in after.facets


@pytest.mark.parametrize(
    ("first", "second", "kept", "steps"),
    [
        (("new", 2), ("old", 1), "new", []),
        (("kept", 0), (" ", 1), "kept", [("revision_refused", "stored", "empty")]),
        (("", 0), ("now with words", 1), "now with words", [("stored", "stored", None)]),
    ],
    ids=["late", "refused", "mended"],
)
async def test_of_revisions_the_highest_with_words_is_kept(
    intake: Intake, first: tuple[str, int], second: tuple[str, int], kept: str, steps: list[Any]
) -> None:
    for words, revision in (first, second):
        recorded = await intake.take(submitted(payload(words), event_id=EVENT, revision=revision))
    assert [row.message for row in await rows(intake)] == [kept]
    assert [(s.step, s.state, s.reason) for s in recorded.steps] == steps
    assert recorded.outcomes == []


async def test_numbers_run_per_project_and_batches_mix_projects(intake: Intake, redis: Any) -> None:
    await publish_project(redis, project_id=2)
    await intake.take(submitted(), submitted(project_id=2), submitted(), submitted(payload("")))
    await intake.take(submitted(project_id=2))
    assert sorted(row.short_id for row in await rows(intake)) == ["PROJECT-2-1", "PROJECT-2-2", "WEB-1", "WEB-2"]


async def test_same_event_id_in_two_projects_is_two_feedbacks(intake: Intake, redis: Any) -> None:
    await publish_project(redis, project_id=2)
    await intake.take(submitted(event_id=EVENT), submitted(event_id=EVENT, project_id=2))
    assert len(await rows(intake)) == 2


async def test_two_workers_with_the_same_messages_tell_once(intake: Intake) -> None:
    messages = [as_incoming(submitted(payload(f"m{number}" if number % 5 else ""))) for number in range(40)]
    await asyncio.gather(intake.handler(messages), intake.handler(messages[::-1]), intake.handler(messages[10:]))
    recorded = await intake.recorded()
    assert len(await rows(intake)) == 32
    assert recorded.quantities() == {ACCEPTED: 32, invalid("empty"): 8}
    assert len(recorded.steps) == 40


async def test_what_is_new_is_stored_without_a_transaction_of_several_statements(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    await intake.take(submitted(payload("its names are recorded")))
    with monkeypatch.context() as patched:
        patched.setattr(type(intake.database), "transaction", None)
        await intake.handler([as_incoming(submitted(payload(text))) for text in ("one", "", "two")])
    recorded = await intake.recorded()
    assert [row.short_id for row in await rows(intake)] == ["WEB-1", "WEB-2", "WEB-3"]
    assert [message.feedback.short_id for message in recorded.created] == ["WEB-2", "WEB-3"]
    assert [message.feedback.issue_id for message in recorded.created] == [r.id for r in (await rows(intake))[1:]]
    assert recorded.quantities() == {ACCEPTED: 2, invalid("empty"): 1}


async def test_a_batch_of_which_one_is_known_takes_no_numbers_in_vain(intake: Intake) -> None:
    await intake.take(submitted(event_id=EVENT), submitted(payload(""), event_id="b" * 32))
    await intake.take(submitted(event_id=EVENT), submitted())
    await intake.take(submitted(event_id="b" * 32), submitted())
    assert [row.short_id for row in await rows(intake)] == ["WEB-1", "WEB-2", "WEB-3"]


async def test_marks_and_evidence(intake: Intake) -> None:
    error = NOW - timedelta(minutes=3)
    await intake.take(
        submitted(
            payload("bad", feedback={"associated_event_id": "B" * 32}, tags=[["a", 1], ["b", None]]),
            source=FeedbackSource.CRASH_REPORT_EMBED_FORM,
            marks=("honeypot",),
            error_occurred_at=error,
        )
    )
    [row] = await rows(intake)
    assert row.evidence == {
        "associated_event_id": "b" * 32,
        "message": "bad",
        "source": "crash_report_embed_form",
        "is_spam": None,
        "spam_detection_enabled": False,
        "summary": "bad",
        "marks": ["honeypot"],
    }
    assert row.error_occurred_at == error
    assert row.tags == {"a": "1", "has_linked_error": "true", "associated_event_id": "b" * 32}


async def test_a_wrong_clock_is_corrected(intake: Intake) -> None:
    wrong = NOW - timedelta(days=400)
    body = payload("m") | {"timestamp": (wrong - timedelta(minutes=2)).isoformat()}
    await intake.take(submitted(body, sent_at=wrong))
    [row] = await rows(intake)
    assert row.first_seen == NOW - timedelta(minutes=2)


async def test_new_and_old_feedback_set_the_flags_to_announce(intake: Intake, redis: Any) -> None:
    await publish_project(redis, project_id=2)
    await intake.take(submitted(project_id=2, source=FeedbackSource.USER_REPORT_ENVELOPE), submitted())
    async with intake.database.connection() as connection:
        found = await connection.execute(select(PROJECT.c.id, PROJECT.c.has_new_feedbacks))
    assert {tuple(row) for row in found} == {(1, True), (2, False)}


async def test_dead_letter_tells_the_fate_without_outcome(intake: Intake) -> None:
    [message] = intake.handler.on_dead(as_incoming(submitted(event_id=EVENT)), "boom")
    recorded = orjson.loads(message.data)
    assert recorded.get("outcomes", []) == []
    [step] = recorded["steps"]
    assert (step["submission_id"], step["state"], step["reason"]) == (EVENT, "dropped", "dead_letter")


@pytest.mark.parametrize("table", ["outbox", "feedback"])
async def test_nothing_is_kept_or_announced_when_the_batch_fails(intake: Intake, table: str) -> None:
    async with intake.database.transaction() as connection:
        await connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO away")
    with pytest.raises(Exception, match=table):
        await intake.take(submitted())
    async with intake.database.transaction() as connection:
        await connection.exec_driver_sql(f"ALTER TABLE away RENAME TO {table}")
    assert await rows(intake) == []
    assert await intake.recorded() == Recorded()
