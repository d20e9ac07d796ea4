"""Refused submissions: their words are kept, and they are taken in after all, once."""

import json
from datetime import timedelta
from typing import Any

import orjson
import pytest
import pytest_asyncio
from hearback_contracts.categories import DataCategory
from hearback_contracts.events import FeedbackSubmitted, OutcomeCount, UserReportSubmitted
from hearback_contracts.outcomes import Outcome
from hearback_contracts.outcomes import SubmissionState as State
from hearback_contracts.reasons import Reason
from hearback_contracts.sources import FeedbackSource
from hearback_contracts.streams import FEEDBACK_SUBMITTED, USER_REPORT_SUBMITTED, Stream
from hearback_devkit.fleet import as_incoming, audited, call_signed
from hearback_devkit.testing import eventually
from hearback_fleet.reprocessing import ACCEPTANCES_PATH, REPROCESSINGS_PATH
from hearback_kit.bus import Incoming
from hearback_kit.values.ids import derived_id

PATH = "/api/0/projects/demo/web/submissions/"
ID = "a" * 32
STORED = {"state": "stored"}


class Refusals:
    """Records refused submissions as their owners do, and reads what is published."""

    def __init__(self, api: Any, bus: Any) -> None:
        self.api = api
        self.bus = bus
        self.store = api.store
        self.handler = self.store.handler()

    def report(self, message_id: str = "m1") -> UserReportSubmitted:
        return self._message(UserReportSubmitted, message_id, FeedbackSource.USER_REPORT_ENVELOPE)

    def feedback(self, message_id: str = "m2") -> FeedbackSubmitted:
        source = FeedbackSource.NEW_FEEDBACK_ENVELOPE
        return self._message(FeedbackSubmitted, message_id, source, submission_id=ID)

    def _message(self, kind: Any, message_id: str, source: FeedbackSource, **fields: Any) -> Any:
        now = self.store.clock.now()
        return kind(
            id=message_id, occurred_at=now, received_at=now, project_id=1, organization_id=1, event_id=ID,
            sdk="a/1", source=source, **fields,
        )  # fmt: skip

    async def step(
        self, state: State = State.INVALID, reason: str | None = Reason.REPORT_EVENT_TOO_OLD,
        *, counted: bool = False, **fields: Any,
    ) -> None:  # fmt: skip
        now = self.store.clock.move(seconds=1)
        count = OutcomeCount(
            organization_id=1, project_id=1, sdk="a/1", category=int(DataCategory.FEEDBACK),
            outcome=int(Outcome.INVALID), reason=reason, quantity=1, timestamp=now.replace(second=0),
        )  # fmt: skip
        step = self.store.step(ID, state, "refused", reason=reason, **fields)
        await self.handler([as_incoming(self.store.message(step, outcomes=(count,) * counted))])

    async def detail(self, status: int = 200, **options: Any) -> Any:
        response = await self.api.client.get(f"{PATH}{ID}/", **options)
        assert response.status_code == status
        return response.json()

    async def accept(self, status: int = 200, body: Any = STORED, **options: Any) -> Any:
        response = await self.api.client.put(f"{PATH}{ID}/", json=body, **options)
        assert response.status_code == status, response.text
        return response.json()

    async def call(self, path: str, content: dict[str, Any]) -> Any:
        """Return the answer to a call that the operator's command signs."""
        return await call_signed(self.api.client, path, content, secret=self.store.settings.secret_key)

    async def published(self, stream: Stream, count: int = 1) -> list[Incoming]:
        key = stream.key(1, self.store.settings.stream_shards)

        async def read() -> Any:
            entries = await self.api.redis.xrange(key)
            return entries if len(entries) == count else None

        return [fields for _, fields in await eventually(read)]


@pytest_asyncio.fixture
async def refusals(api: Any, bus: Any) -> Refusals:
    return Refusals(api, bus)


WORDS = {"event_id": ID, "name": "Ann", "email": "ann@example.com", "comments": "It broke."}


async def test_a_refused_report_keeps_its_words_and_is_taken_in_once(refusals: Refusals) -> None:
    report = refusals.report()
    await refusals.step(payload=WORDS, refused=report)
    before = await refusals.detail()
    assert (before["state"], before["reason"]) == ("invalid", "Associated event is too old")
    assert before["payload"] == WORDS
    accepted = await refusals.accept()
    assert accepted["payload"] == WORDS
    last = accepted["steps"][-1]
    assert (last["service"], last["step"], last["reason"]) == ("client-reports", "accepted_by_member", None)
    assert (await refusals.accept(409))["code"] == "nothing_to_accept"
    [recorded] = await audited(refusals.api.redis, 1)
    assert (recorded.event, recorded.data) == ("submission.accept", {"submission": ID, "project": "web"})
    [entry] = await refusals.published(USER_REPORT_SUBMITTED)
    again = UserReportSubmitted.model_validate_json(entry[b"d"])
    assert again.accepted_by == "owner@example.com"
    assert again.id == derived_id("accept", report.id)
    changed = {"id": report.id, "accepted_by": None, "occurred_at": report.occurred_at}
    assert again.model_copy(update=changed) == report
    assert orjson.loads(entry[b"b"]) == WORDS
    await refusals.step(State.LINKED, None)
    after = await refusals.detail()
    assert (after["state"], after["reason"], after["payload"]) == ("linked", None, WORDS)
    assert (await refusals.accept(409))["code"] == "nothing_to_accept"


async def test_a_refused_feedback_goes_back_to_its_stream(refusals: Refusals) -> None:
    event = {"event_id": ID, "contexts": {"feedback": {"message": "w" * 5_000}}}
    await refusals.step(reason=Reason.TOO_LARGE, payload=event, refused=refusals.feedback())
    await refusals.accept()
    [entry] = await refusals.published(FEEDBACK_SUBMITTED)
    assert FeedbackSubmitted.model_validate_json(entry[b"d"]).accepted_by
    assert orjson.loads(entry[b"b"]) == event


async def test_several_attempts_are_taken_in_one_after_the_other(refusals: Refusals) -> None:
    """A second and a third report on one event; the third came twice."""
    others = [WORDS | {"comments": f"More {number}."} for number in range(2)]
    await refusals.step(State.LINKED, None)
    for number, payload in enumerate([*others, others[1]]):
        await refusals.step(reason=Reason.REPORT_DUPLICATE, payload=payload, refused=refusals.report(f"m{number}"))
    assert (await refusals.detail())["state"] == "linked"
    assert (await refusals.accept())["payload"] == others[1]
    assert (await refusals.detail())["payload"] == others[0]
    assert (await refusals.accept())["payload"] == others[0]
    await refusals.accept(409)
    bodies = [json.loads(entry[b"b"]) for entry in await refusals.published(USER_REPORT_SUBMITTED, 2)]
    assert bodies == [others[1], others[0]]


async def test_there_may_be_nothing_to_take_in(refusals: Refusals) -> None:
    await refusals.accept(404)
    await refusals.step(reason=Reason.FEATURE_DISABLED)
    assert (await refusals.detail())["payload"] is None
    await refusals.accept(409)
    await refusals.step(payload=WORDS)  # without the message that said it, it can only be read
    assert (await refusals.detail())["payload"] == WORDS
    await refusals.accept(409)


@pytest.mark.parametrize("body", [{}, {"state": "spam"}, {"state": "stored", "more": 1}, [], None])
async def test_nothing_else_can_be_asked_for(refusals: Refusals, body: Any) -> None:
    await refusals.step(payload=WORDS, refused=refusals.report())
    await refusals.accept(400, body)
    assert (await refusals.detail())["payload"] == WORDS


async def test_what_is_deleted_takes_its_words_along(refusals: Refusals) -> None:
    await refusals.step(payload=WORDS, refused=refusals.report())
    await refusals.step(State.DROPPED, Reason.DELETED)
    assert (await refusals.detail())["payload"] is None
    await refusals.accept(409)
    await refusals.step(payload=WORDS, refused=refusals.report("m2"))
    await refusals.accept()


async def test_words_are_for_members_who_may_read_events(refusals: Refusals) -> None:
    await refusals.step(payload=WORDS, refused=refusals.report())
    only_projects = refusals.api.caller(scopes=("project:read",))
    assert (await refusals.detail(headers=only_projects))["payload"] is None
    reader = refusals.api.caller(scopes=("event:read",))
    assert (await refusals.detail(headers=reader))["payload"] == WORDS
    await refusals.accept(403, headers=reader)
    stranger = refusals.api.caller(tenants={2: "owner"})
    await refusals.accept(404, headers=stranger)
    [shown] = (await refusals.api.client.get(PATH)).json()
    assert "payload" not in shown


async def test_refused_words_are_listed_for_the_operator_and_taken_in_once(refusals: Refusals) -> None:
    for number in range(3):
        payload = WORDS | {"comments": f"More {number}."}
        await refusals.step(
            reason=Reason.REPORT_DUPLICATE, payload=payload, refused=refusals.report(f"m{number}"), counted=True
        )
    now = refusals.store.clock.now()
    wanted = {"start": (now - timedelta(hours=1)).isoformat(), "end": (now + timedelta(hours=1)).isoformat()}
    answer = (await refusals.call(REPROCESSINGS_PATH, wanted)).json()
    assert (answer["counts"], answer["after"]) == ({"examined": 3}, None)
    assert {one["payload"]["comments"] for one in answer["refused"]} == {"More 0.", "More 1.", "More 2."}
    assert (await refusals.call(REPROCESSINGS_PATH, wanted | {"project_id": 2})).json()["refused"] == []
    earlier = wanted | {"end": wanted["start"]}
    assert (await refusals.call(REPROCESSINGS_PATH, earlier)).json()["refused"] == []

    first = answer["refused"][0]
    taken = [await refusals.call(ACCEPTANCES_PATH, {"attempts": [first["attempt"]] * 2}) for _ in range(2)]
    assert [one.json() for one in taken] == [{"taken": 1}, {"taken": 0}], "twice is once"
    [entry] = await refusals.published(USER_REPORT_SUBMITTED)
    assert orjson.loads(entry[b"b"]) == first["payload"]
    assert UserReportSubmitted.model_validate_json(entry[b"d"]).accepted_by == "operator"
    assert (await refusals.detail())["steps"][-1]["step"] == "reprocessed"
    assert (await stats(refusals, category="feedback"))[Reason.REPORT_DUPLICATE] == 2
    answer = (await refusals.call(REPROCESSINGS_PATH, wanted)).json()
    assert first["payload"] not in [one["payload"] for one in answer["refused"]]
    assert len(answer["refused"]) == 2


async def test_the_operators_calls_are_signed_and_well_formed(refusals: Refusals) -> None:
    for path in (REPROCESSINGS_PATH, ACCEPTANCES_PATH):
        assert (await refusals.api.client.post(path, json={})).status_code == 401
        assert (await refusals.call(path, {})).status_code == 400
    attempt = {"project_id": 1, "id": ID, "digest": "no hex"}
    assert (await refusals.call(ACCEPTANCES_PATH, {"attempts": [attempt]})).status_code == 400
    now = refusals.store.clock.now().isoformat()
    wrong = {"start": now, "end": now, "after": "somewhere"}
    assert (await refusals.call(REPROCESSINGS_PATH, wrong)).status_code == 400


async def stats(refusals: Refusals, **parameters: Any) -> dict[str, int]:
    wanted = {"field": "sum(quantity)", "groupBy": "reason", "statsPeriod": "1h", "interval": "1h", **parameters}
    found = await refusals.api.get("/api/0/organizations/demo/stats_v2/", **wanted)
    return {group["by"]["reason"]: group["totals"]["sum(quantity)"] for group in found["groups"]}


@pytest.mark.parametrize("kind", ["report", "feedback"])
async def test_what_is_taken_in_takes_its_refusal_back(refusals: Refusals, kind: str) -> None:
    """One submission, one outcome: the one that follows from taking it in."""
    reason = Reason.REPORT_DUPLICATE if kind == "report" else Reason.TOO_LARGE
    for number in range(2):
        message, payload = getattr(refusals, kind)(f"m{number}"), WORDS | {"comments": str(number)}
        await refusals.step(reason=reason, payload=payload, refused=message, counted=True)
    for interval in ("1m", "1h", "1d"):
        assert await stats(refusals, interval=interval) == {reason: 2}
    for left in (1, 0):
        await refusals.accept()
        for parameters in ({"interval": "1m"}, {"interval": "1h"}, {"interval": "1d"}, {"sdk": "a/1"}):
            assert (await stats(refusals, **parameters)).get(reason, 0) == left
    await refusals.accept(409)
    assert (await stats(refusals)).get(reason, 0) == 0


async def test_a_refusal_whose_counter_is_gone_is_taken_in_all_the_same(refusals: Refusals) -> None:
    await refusals.step(payload=WORDS, refused=refusals.report())
    await refusals.accept()
    assert await stats(refusals) == {}


async def test_payloads_are_bounded(refusals: Refusals) -> None:
    refusals.handler = refusals.store.handler(payloads_max=2)
    for number in range(4):
        payload = WORDS | {"comments": f"{number} " + "w" * 100_000}
        await refusals.step(payload=payload, refused=refusals.report(f"m{number}"))
    for wanted in ("1 w", "0 w"):
        shown = (await refusals.accept())["payload"]
        assert shown["comments"].startswith(wanted)
        assert len(shown["comments"]) == 60_000
    await refusals.accept(409)


async def test_a_project_keeps_so_many_bytes_a_day(refusals: Refusals) -> None:
    refusals.handler = refusals.store.handler(payload_mib_per_day_max=0)
    await refusals.step(payload=WORDS, refused=refusals.report())
    found = await refusals.detail()
    assert (found["state"], found["payload"]) == ("invalid", None)


async def test_payloads_go_with_their_partition(refusals: Refusals) -> None:
    await refusals.step(payload=WORDS, refused=refusals.report())
    later = refusals.store.clock.now() + timedelta(days=40)
    dropped = await refusals.store.partitions.drop_old(later)
    assert "refused_submission" in {table for table, _ in dropped}
