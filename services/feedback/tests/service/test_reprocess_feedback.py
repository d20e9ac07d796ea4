"""Stored feedback is processed again: what is derived is made right, what people did stays, twice is once."""

from datetime import timedelta
from functools import partial
from typing import Any

import orjson
import pytest
from feedback.domain.spam import Content, SpamVerdict
from feedback.domain.statuses import ARCHIVED_FOREVER, IGNORED, UNRESOLVED
from feedback.service.decide_submission import DecideSubmission
from feedback.service.judge_spam import LocalJudge, load_prior
from feedback.service.reprocess_feedback import reprocess_feedback
from feedback.store.tables import FEEDBACK
from hearback_contracts.options import Option
from hearback_contracts.outcomes import SubmissionState
from hearback_devkit.fleet import call_signed, publish_project
from hearback_fleet.reprocessing import DECISIONS_PATH, REPROCESSINGS_PATH, Reprocessing
from sqlalchemy import select, update

from ..conftest import JUDGED, NOW, Api, Intake, Recorded, payload, submitted

DAY = timedelta(days=1)
WRONG = {
    "title": "wrong", "message": "wrong", "user_email": None, "facets": ["wrong"], "tags": {}, "search": "wrong",
}  # fmt: skip


class FixedJudge:
    """Says the same of everything."""

    def __init__(self, is_spam: bool) -> None:
        self._verdict = SpamVerdict(is_spam, True, ("honeypot",) if is_spam else ())

    async def prepare(self, organization_ids: Any) -> None:
        pass

    def judge(self, organization_id: int, content: Content) -> SpamVerdict:
        return self._verdict


async def reprocess(intake: Intake, judge: Any = None, **wanted: Any) -> tuple[dict[str, int], Recorded]:
    """Process the whole range again; return the sums of counts, and what was recorded."""
    local = judge or LocalJudge(intake.database, load_prior())
    decide = DecideSubmission(intake.configuration, intake.settings, local)
    asked = Reprocessing(**{"start": NOW - DAY, "end": NOW + DAY} | wanted)
    total: dict[str, int] = {}
    while True:
        counts, after = await reprocess_feedback(
            intake.unit_of_work, decide, asked, compact_rows=intake.settings.compact_rows
        )
        for name, count in counts.items():
            total[name] = total.get(name, 0) + count
        if after is None:
            return total, await intake.recorded()
        asked = asked.model_copy(update={"after": after})


async def rows(intake: Intake) -> list[dict[str, Any]]:
    async with intake.database.connection() as connection:
        found = await connection.execute(select(FEEDBACK).order_by(FEEDBACK.c.id))
        return [dict(row) for row in found.mappings()]


async def change(intake: Intake, **columns: Any) -> None:
    async with intake.database.transaction() as connection:
        await connection.execute(update(FEEDBACK).values(columns))


async def test_what_is_right_does_not_change(intake: Intake) -> None:
    bodies = [payload(), payload("другой", tags={"a": "b"}, user={"email": "x@example.com"}, release="1", sdk={})]
    await intake.take(*(submitted(body) for body in bodies))
    before = await rows(intake)
    counts, recorded = await reprocess(intake)
    assert counts == {"examined": 2, "changed": 0, "skipped": 0}
    assert await rows(intake) == before
    assert recorded == Recorded()


async def test_what_a_fault_derived_wrongly_is_made_right_once(intake: Intake) -> None:
    body = payload("The cart is empty", feedback={"contact_email": "ada@example.com"}, tags={"colour": "blue"})
    await intake.take(submitted(body))
    await intake.take(submitted(payload("kept"), received_at=NOW - 2 * DAY))
    before = await rows(intake)
    await change(intake, **WRONG)
    damaged = await rows(intake)

    counts, recorded = await reprocess(intake, dry_run=True)
    assert (counts["examined"], counts["changed"], recorded) == (1, 1, Recorded())
    assert await rows(intake) == damaged, "a dry run changes nothing"

    counts, recorded = await reprocess(intake)
    assert counts == {"examined": 1, "changed": 1, "skipped": 0} | dict.fromkeys(WRONG, 1)
    assert await rows(intake) == [before[0], damaged[1]], "the other one is outside of the range"
    [step] = recorded.steps
    assert (step.step, step.state) == ("reprocessed", SubmissionState.STORED)
    assert step.submission_id == before[0]["submission_id"]
    assert set(step.details) == set(WRONG)
    assert step.feedback_id == str(before[0]["id"])
    assert (recorded.outcomes, recorded.created, recorded.changed) == ([], [], []), "nothing came, nothing moved"

    counts, recorded = await reprocess(intake)
    assert (counts["changed"], recorded) == (0, Recorded())


async def test_a_kept_event_is_brought_into_the_shape_of_now(intake: Intake) -> None:
    await intake.take(submitted(payload(user={"email": "ada@example.com"})))
    before = await rows(intake)
    event = before[0]["event"]
    await change(intake, event=event | {"user": event["user"] | {"email": " ada@example.com\n"}})
    counts, _ = await reprocess(intake)
    assert counts == {"examined": 1, "changed": 1, "skipped": 0, "event": 1}
    assert await rows(intake) == before


async def test_a_new_verdict_moves_what_no_person_sorted(intake: Intake, redis: Any) -> None:
    await publish_project(redis, features=JUDGED, options={Option.SPAM_DETECTION: True})
    await intake.take(submitted(payload("one"), event_id="a" * 32), submitted(payload("two"), event_id="b" * 32))
    async with intake.database.transaction() as connection:
        sorted_by_hand = update(FEEDBACK).where(FEEDBACK.c.message == "two")
        await connection.execute(sorted_by_hand.values(triaged=True, status=UNRESOLVED, substatus="ongoing"))
    counts, recorded = await reprocess(intake, FixedJudge(True))
    assert (counts["changed"], counts["status"]) == (2, 1)
    moved = [(row["status"], row["substatus"]) for row in await rows(intake)]
    assert moved == [(IGNORED, ARCHIVED_FOREVER), (UNRESOLVED, "ongoing")]
    assert [step.state for step in recorded.steps] == [SubmissionState.SPAM, SubmissionState.STORED]
    [announced] = recorded.changed
    assert (announced.previous_status, announced.status) == (UNRESOLVED, IGNORED)
    counts, recorded = await reprocess(intake, FixedJudge(False))
    assert [row["status"] for row in await rows(intake)] == [UNRESOLVED, UNRESOLVED]
    assert (await reprocess(intake, FixedJudge(False)))[1] == Recorded()


async def test_a_models_word_for_spam_still_holds(intake: Intake, redis: Any) -> None:
    await publish_project(redis, features=JUDGED, options={Option.SPAM_DETECTION: True})
    await intake.take(submitted(payload("one")))
    [row] = await rows(intake)
    await change(intake, evidence={**row["evidence"], "is_spam": True, "spam_signs": ["second_opinion"]})
    await reprocess(intake, FixedJudge(False))
    [row] = await rows(intake)
    assert (row["evidence"]["is_spam"], row["evidence"]["spam_signs"]) == (True, ["second_opinion"])


async def test_only_the_project_that_is_meant(intake: Intake, redis: Any) -> None:
    await publish_project(redis, project_id=2)
    await intake.take(submitted())
    await intake.take(submitted(project_id=2))
    await change(intake, title="wrong")
    counts, _ = await reprocess(intake, project_id=2)
    assert counts["changed"] == 1
    assert [row["title"] == "wrong" for row in await rows(intake)] == [True, False]


async def test_the_operators_call(api: Api) -> None:
    await api.submit("A word")
    await change(api.intake, title="wrong")
    call = partial(call_signed, api.client, REPROCESSINGS_PATH, secret=api.intake.settings.secret_key)
    wanted = {"start": (NOW - DAY).isoformat(), "end": (NOW + DAY).isoformat()}
    first = (await call(wanted)).json()
    assert (first["counts"]["examined"], first["counts"]["title"]) == (1, 1)
    last = (await call(wanted | {"after": first["after"]})).json()
    assert last == {"counts": {}, "after": None}
    assert (await call(wanted, secret="x" * 40)).status_code == 401
    assert (await call({"start": "soon"})).status_code == 400


@pytest.mark.parametrize(("message", "reason"), [("w" * 5_000, "Too Large"), ("short", None)])
async def test_refused_words_are_decided_by_the_rules_of_now(api: Api, message: str, reason: str | None) -> None:
    out = submitted(payload(message))
    content = {"submissions": [{"message": orjson.loads(out.data), "payload": payload(message)}]}
    answer = await call_signed(api.client, DECISIONS_PATH, content, secret=api.intake.settings.secret_key)
    [found] = answer.json()["reasons"]
    assert (found is None) == (reason is None)
    assert await rows(api.intake) == [], "deciding stores nothing"


@pytest.mark.parametrize(("value", "status"), [(str(10**30), 200), ("-1e400", 400), ('"\\ud800"', 400)])
async def test_refused_words_may_have_numbers_of_any_length(api: Api, value: str, status: int) -> None:
    words = orjson.Fragment(f'{{"contexts": {{"feedback": {{"message": "short"}}}}, "extra": {value}}}')
    content = {"submissions": [{"message": orjson.loads(submitted().data), "payload": words}]}
    answer = await call_signed(api.client, DECISIONS_PATH, content, secret=api.intake.settings.secret_key)
    assert (answer.status_code, len(answer.json().get("reasons", ()))) == (status, 1 if status == 200 else 0)
