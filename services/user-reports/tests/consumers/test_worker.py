"""The worker on real streams: messages in, messages out, dead letters recorded."""

from typing import Any

import pytest
from hearback_contracts.events import FeedbackSubmitted, OutcomeRecorded, UserReportSubmitted
from hearback_contracts.streams import (
    ERROR_EVENT_RECEIVED,
    FEEDBACK_SUBMITTED,
    OUTCOME_RECORDED,
    USER_REPORT_SUBMITTED,
)
from hearback_devkit.testing import beside, eventually
from hearback_fleet.messages import decode, outgoing
from hearback_kit.bus import Incoming, Outgoing, RedisStreams
from hearback_kit.values.ids import derived_id, random_id
from user_reports.app import create_worker, sweep_now
from user_reports.settings import Settings

SHARDS = 2


@pytest.fixture
def settings(harness: Any, redis_url: str) -> Settings:
    return harness.settings(redis_url, stream_shards=SHARDS, deliveries_max=1, sweep_seconds=1)


async def arrived(bus: RedisStreams, stream: Any) -> list[Incoming]:
    keys = stream.shard_keys(SHARDS)
    await bus.ensure_group(keys, stream.consumer)
    while await bus.read(keys, stream.consumer, "test", count=100, block_ms=10):
        continue
    return await bus.read_own(keys, stream.consumer, "test", count=100)


async def test_report_and_event_become_a_feedback_message(
    harness: Any, bus: RedisStreams, settings: Settings
) -> None:
    event_id = random_id()
    message, body = harness.report(event_id)
    report = outgoing(USER_REPORT_SUBMITTED, message, SHARDS, body=body)
    await bus.publish([report, outgoing(ERROR_EVENT_RECEIVED, harness.event(event_id), SHARDS)])
    async with beside(create_worker(settings, clock=harness.clock).run):
        (entry,) = await eventually(lambda: arrived(bus, FEEDBACK_SUBMITTED))
        feedback = decode(FeedbackSubmitted, entry)
        assert feedback.event_id == derived_id(1, event_id)
        assert b'"message":"It broke"' in (entry.body or b"")
        recorded = await eventually(lambda: arrived(bus, OUTCOME_RECORDED))
        assert decode(OutcomeRecorded, recorded[0]).service == "user-reports"

        async def drained() -> bool:
            streams = (*USER_REPORT_SUBMITTED.shard_keys(SHARDS), *ERROR_EVENT_RECEIVED.shard_keys(SHARDS))
            return sum((await bus.backlog(streams)).values()) == 0

        await eventually(drained)


async def test_message_that_cannot_be_read_is_buried_and_its_neighbour_is_not(
    harness: Any, bus: RedisStreams, settings: Settings
) -> None:
    message, body = harness.report(random_id(), project_id=1)
    key = USER_REPORT_SUBMITTED.key(1, SHARDS)
    poison = Outgoing(key, UserReportSubmitted.TYPE, b'{"no": "report"}', b"{}")
    await bus.publish([poison, outgoing(USER_REPORT_SUBMITTED, message, SHARDS, body=body)])
    async with beside(create_worker(settings, clock=harness.clock).run):
        letters = await eventually(lambda: bus.dead_letters(key))
        assert "ValidationError" in letters[0].error
        await eventually(lambda: harness.rows("SELECT 1 FROM reports"))


async def test_dead_letter_of_a_report_is_a_step(harness: Any) -> None:
    message, body = harness.report(random_id())
    (letter,) = harness.reports().on_dead(harness.incoming(message, body), "ValueError: x")
    (step,) = OutcomeRecorded.model_validate_json(letter.data).steps
    assert (step.submission_id, step.state, step.reason) == (message.event_id, "dropped", "dead_letter")
    assert harness.reports().on_dead(harness.incoming(harness.event()), "x") == []


async def test_worker_prepares_the_weeks_ahead(harness: Any, settings: Settings) -> None:
    harness.clock.move(days=60)
    async with beside(create_worker(settings, clock=harness.clock).run):

        async def prepared() -> Any:
            names = await harness.rows("SELECT relname FROM pg_class WHERE relname LIKE 'events\\_2027\\_02\\_%'")
            return any(not row.relname.endswith("pkey") for row in names)

        await eventually(prepared)


async def test_sweep_by_hand_says_what_it_did(harness: Any, settings: Settings) -> None:
    assert await sweep_now(settings) == "looked at 0 waiting reports, linked 0"
