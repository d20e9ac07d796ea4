"""The worker as it runs: both streams, from entry to answer."""

import asyncio
from datetime import timedelta
from typing import Any

import orjson
import pytest_asyncio
from client_reports.app import create_worker
from hearback_contracts.categories import DataCategory
from hearback_contracts.events import ClientReportReceived
from hearback_contracts.outcomes import Outcome, SubmissionState
from hearback_contracts.sources import FeedbackSource
from hearback_contracts.streams import CLIENT_REPORT_RECEIVED, OUTCOME_RECORDED
from hearback_fleet.messages import outgoing
from hearback_fleet.recording import Record
from hearback_kit.bus import Outgoing
from hearback_kit.ids import new_id
from hearback_kit.testing import eventually


@pytest_asyncio.fixture
async def worker(store: Any) -> Any:
    stop = asyncio.Event()
    settings = store.settings.model_copy(update={"maintenance_seconds": 0.1, "alert_seconds": 0.05})
    task = asyncio.create_task(create_worker(settings, clock=store.clock).run(stop))
    yield
    stop.set()
    await task


def report(store: Any, body: bytes, **fields: Any) -> Outgoing:
    now = store.clock.now()
    values = {"project_id": 1, "organization_id": 1, "key_id": 1, "received_at": now, "sdk": "x/1", **fields}
    message = ClientReportReceived(id=new_id(), occurred_at=now, **values)
    return outgoing(CLIENT_REPORT_RECEIVED, message, store.settings.stream_shards, body=body)


async def test_worker_counts_reports_and_outcomes_and_tells_fates(
    api: Any, store: Any, bus: Any, worker: None
) -> None:
    now = store.clock.now()
    record = Record("feedback", store.clock, store.settings.stream_shards)
    scope = {"organization_id": 1, "project_id": 1}
    record.outcome(**scope, key_id=1, category=DataCategory.FEEDBACK, outcome=Outcome.ACCEPTED)
    submission_id = new_id()
    told = {**scope, "submission_id": submission_id, "source": FeedbackSource.NEW_FEEDBACK_ENVELOPE}
    record.step(**told, state=SubmissionState.STORED, step="stored", feedback_id="2")
    record.step(
        **told, state=SubmissionState.ACCEPTED, step="envelope_accepted", at=now - timedelta(milliseconds=5)
    )
    discarded = [{"reason": "queue_overflow", "category": "error", "quantity": 23}]
    body = orjson.dumps({"timestamp": now.isoformat(), "discarded_events": discarded})
    await bus.publish([*record.messages(), report(store, body), report(store, b"nonsense")])

    async def counted() -> Any:
        found = await api.get(
            "/api/0/organizations/demo/stats_v2/",
            field="sum(quantity)",
            groupBy=["outcome", "category", "reason"],
            statsPeriod="1h",
        )
        sums = {tuple(group["by"].values()): group["totals"]["sum(quantity)"] for group in found["groups"]}
        return sums if len(sums) == 2 else None

    assert await eventually(counted) == {
        ("accepted", "feedback", None): 1,
        ("client_discard", "error", "queue_overflow"): 23,
    }
    fate = await api.get(f"/api/0/projects/demo/web/submissions/{submission_id}/")
    assert fate == {
        "id": submission_id,
        "source": "new_feedback_envelope",
        "state": "stored",
        "reason": None,
        "receivedAt": "2026-11-24T12:34:55.995000Z",
        "feedbackId": "2",
        "steps": [
            {
                "at": "2026-11-24T12:34:55.995000Z",
                "service": "feedback",
                "step": "envelope_accepted",
                "reason": None,
            },
            {"at": "2026-11-24T12:34:56.000000Z", "service": "feedback", "step": "stored", "reason": None},
        ],
    }
    keys = [
        key
        for stream in (CLIENT_REPORT_RECEIVED, OUTCOME_RECORDED)
        for key in stream.shard_keys(store.settings.stream_shards)
    ]

    async def drained() -> bool:
        return sum((await bus.backlog(keys)).values()) == 0

    await eventually(drained)
