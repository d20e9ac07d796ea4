"""The worker as it runs: both streams, from entry to answer."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
import pytest_asyncio
from client_reports.app import create_worker
from hearback_contracts.categories import DataCategory
from hearback_contracts.events import ClientReportReceived, OutcomeCount, SubmissionStep
from hearback_contracts.outcomes import Outcome, SubmissionState
from hearback_contracts.sources import FeedbackSource
from hearback_contracts.streams import CLIENT_REPORT_RECEIVED, OUTCOME_RECORDED
from hearback_devkit.fleet import as_incoming
from hearback_devkit.testing import beside, eventually
from hearback_fleet.messages import outgoing
from hearback_fleet.recording import Origin, OutcomeRecorder, SubmissionRef
from hearback_kit.bus import Outgoing
from hearback_kit.values.ids import new_id


@pytest_asyncio.fixture
async def worker(store: Any) -> Any:
    settings = store.settings.model_copy(
        update={"maintenance_seconds": 0.1, "alert_seconds": 0.05, "deliveries_max": 1}
    )
    async with beside(create_worker(settings, clock=store.clock).run):
        yield


def report(store: Any, body: bytes, **fields: Any) -> Outgoing:
    now = store.clock.now()
    values = {"project_id": 1, "organization_id": 1, "key_id": 1, "received_at": now, "sdk": "x/1", **fields}
    message = ClientReportReceived(id=new_id(), occurred_at=now, **values)
    return outgoing(CLIENT_REPORT_RECEIVED, message, store.settings.stream_shards, body=body)


async def test_worker_counts_reports_and_outcomes_and_records_fates(
    api: Any, store: Any, bus: Any, worker: None
) -> None:
    now = store.clock.now()
    recorder = OutcomeRecorder("feedback", store.clock, store.settings.stream_shards)
    recorder.count(Origin(1, 1, 1), DataCategory.FEEDBACK, Outcome.ACCEPTED)
    submission_id = new_id()
    submission = SubmissionRef(1, 1, submission_id, FeedbackSource.NEW_FEEDBACK_ENVELOPE)
    recorder.step(submission, SubmissionState.STORED, "stored", feedback_id="2")
    recorder.step(submission, SubmissionState.ACCEPTED, "envelope_accepted", at=now - timedelta(milliseconds=5))
    discarded = [{"reason": "queue_overflow", "category": "error", "quantity": 23}]
    body = orjson.dumps({"timestamp": now.isoformat(), "discarded_events": discarded})
    await bus.publish([*recorder.messages(), report(store, body), report(store, b"nonsense")])

    async def counted() -> Any:
        found = await api.get(
            "/api/0/organizations/demo/stats_v2/",
            field="sum(quantity)",
            groupBy=["outcome", "category", "reason"],
            statsPeriod="1h",
        )
        sums = {tuple(group["by"].values()): group["totals"]["sum(quantity)"] for group in found["groups"]}
        return sums if len(sums) == 3 else None

    assert await eventually(counted) == {
        ("accepted", "feedback", None): 1,
        ("client_discard", "error", "queue_overflow"): 23,
        ("invalid", "unknown", "invalid_json"): 1,
    }
    keys = [
        key
        for stream in (CLIENT_REPORT_RECEIVED, OUTCOME_RECORDED)
        for key in stream.shard_keys(store.settings.stream_shards)
    ]

    async def drained() -> bool:
        return sum((await bus.backlog(keys)).values()) == 0

    await eventually(drained)
    fate = await api.get(f"/api/0/projects/demo/web/submissions/{submission_id}/")
    assert (fate["state"], fate["feedbackId"]) == ("stored", "2")
    assert [(step["at"], step["step"]) for step in fate["steps"]] == [
        ("2026-11-24T12:34:55.995000Z", "envelope_accepted"),
        ("2026-11-24T12:34:56.000000Z", "stored"),
    ]


async def test_fates_do_not_share_the_dead_letter_of_a_count(
    api: Any, store: Any, bus: Any, worker: None, outcome_of_a_later_release: OutcomeCount
) -> None:
    """One count that this release cannot read, beside fates; its replay neither doubles steps nor counts twice."""
    ids = [new_id() for _ in range(3)]
    message = store.message(*(store.step(one) for one in ids), outcomes=(outcome_of_a_later_release,))
    key = OUTCOME_RECORDED.key(1, store.settings.stream_shards)

    async def buried() -> Any:
        return await bus.dead_letters(key)

    async def recorded() -> bool:
        return {row["id"] for row in await api.get("/api/0/projects/demo/web/submissions/")} == set(ids)

    await bus.publish([message])
    [letter] = await eventually(buried)
    await eventually(recorded)
    await bus.replay([letter])
    [again] = await eventually(buried)
    assert again.entry_id != letter.entry_id

    async def drained() -> bool:
        return (await bus.backlog([key]))[key] == 0

    await eventually(drained)
    for one in ids:
        fate = await api.get(f"/api/0/projects/demo/web/submissions/{one}/")
        assert [step["step"] for step in fate["steps"]] == ["stored"]


@pytest.fixture
def outcome_of_a_later_release(store: Any) -> OutcomeCount:
    return OutcomeCount(
        organization_id=1, project_id=1, category=1, outcome=77, quantity=1, timestamp=store.clock.now()
    )


async def test_a_fate_that_cannot_be_written_is_not_published_again_and_again(
    store: Any, outcome_of_a_later_release: OutcomeCount
) -> None:
    def dead(*steps: SubmissionStep, outcomes: tuple[OutcomeCount, ...] = ()) -> list[Outgoing]:
        entry = as_incoming(store.message(*steps, outcomes=outcomes))
        again = store.handler().on_dead(entry, "x")
        assert {one.key for one in again} <= {entry.key}
        return again

    one, other = store.step("a" * 32), store.step("b" * 32)
    assert len(dead(one, other)) == 2
    assert len(dead(one, one, outcomes=(outcome_of_a_later_release,))) == 1
    assert dead(one, one) == []
    assert dead(outcomes=(outcome_of_a_later_release,)) == []
    unreadable = as_incoming(store.message())._replace(data=b"{")
    assert store.handler().on_dead(unreadable, "x") == []


async def test_what_a_message_cannot_mean_is_refused(store: Any, outcome_of_a_later_release: OutcomeCount) -> None:
    negative = outcome_of_a_later_release.model_copy(update={"outcome": 0, "quantity": -1})
    for count in (outcome_of_a_later_release, negative):
        with pytest.raises(ValueError, match=r"77|lie between"):
            await store.take(outcomes=(count,))


async def test_a_step_may_spell_its_submission_in_any_way(api: Any, store: Any) -> None:
    submission_id = new_id()
    for spelling in (submission_id, str(UUID(submission_id)).upper(), f"{{{UUID(submission_id)}}}"):
        await store.take(store.step(spelling))
    [fate] = await api.get("/api/0/projects/demo/web/submissions/")
    assert (fate["id"], len(fate["steps"])) == (submission_id, 1)
