"""Counts are conserved: what comes in is what is counted, whatever is repeated, reordered or killed in between."""

import asyncio
import contextlib
import os
import random
import signal
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import orjson
import pytest
from client_reports.consumers.client_report_received import ClientReportReceivedHandler
from client_reports.consumers.outcome_recorded import OutcomeRecordedHandler, read_effects
from client_reports.domain.buckets import DAYS, HOURS, MINUTES
from client_reports.domain.counting import Effects
from client_reports.domain.journal import RecordedStep, SubmissionKey
from client_reports.domain.submission_status import Step
from hearback_contracts.categories import DataCategory
from hearback_contracts.config import ProjectConfig
from hearback_contracts.events import ClientReportReceived, OutcomeCount, OutcomeRecorded
from hearback_contracts.outcomes import Outcome, SubmissionState
from hearback_contracts.streams import CLIENT_REPORT_RECEIVED, OUTCOME_RECORDED
from hearback_devkit.fleet import as_incoming
from hearback_devkit.testing import eventually
from hearback_devkit.testing.forks import shared_forks
from hearback_fleet.messages import outgoing
from hearback_kit.bus import Incoming, Outgoing
from hearback_kit.values.ids import new_id
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

Counted = Counter[tuple[int, str, str, str | None]]
QUANTITIES = st.integers(0, 5) | st.sampled_from([2**32, 2**64 - 1])
REASONS = st.sampled_from(["queue_overflow", "sample_rate", "", "any words"])
CATEGORIES = st.sampled_from(["error", "feedback", "user_report_v2", "internal", "attachment"])
ENTRIES = st.lists(st.tuples(REASONS, CATEGORIES, QUANTITIES), max_size=4)
MESSAGES = st.tuples(st.sampled_from(["report", "broken report", "outcomes"]), st.sampled_from([1, 2]), ENTRIES)
# How a batch ends: as it should, before its commit, or after the commit but before the acknowledgement.
ENDINGS = st.sampled_from(["acknowledged", "lost before commit", "killed after commit"])


class Killed(Exception):
    """Stands for the end of the process."""


def made(kind: str, project_id: int, entries: Sequence[tuple[str, str, int]], now: Any) -> Outgoing:
    scope: dict[str, Any] = {"organization_id": 1, "project_id": project_id}
    if kind == "outcomes":
        counts = tuple(
            OutcomeCount(
                **scope,
                category=int(DataCategory.parse(category)),
                outcome=int(Outcome.ACCEPTED),
                reason=reason,
                quantity=quantity,
                timestamp=now,
            )
            for reason, category, quantity in entries
        )
        message = OutcomeRecorded(
            id=new_id(), occurred_at=now, project_id=project_id, service="x", outcomes=counts
        )
        return outgoing(OUTCOME_RECORDED, message, 1)
    listed: list[Any] = [list(entry) for entry in entries]
    if kind == "broken report":
        listed.append({"reason": "x", "category": "error", "quantity": -1})
    report = ClientReportReceived(id=new_id(), occurred_at=now, received_at=now, **scope)
    return outgoing(CLIENT_REPORT_RECEIVED, report, 1, body=orjson.dumps({"discarded_events": listed}))


def expected(messages: Sequence[tuple[str, int, Sequence[tuple[str, str, int]]]]) -> Counted:
    wanted: Counted = Counter()
    for kind, project_id, entries in messages:
        if kind == "broken report":
            wanted[project_id, "invalid", "unknown", "payload"] += 1
        for reason, category, quantity in entries:
            if kind != "broken report":
                outcome = Outcome.ACCEPTED if kind == "outcomes" else Outcome.CLIENT_DISCARD
                wanted[project_id, str(outcome), str(DataCategory.parse(category)), reason] += quantity
    return Counter({key: quantity for key, quantity in wanted.items() if quantity})


async def counted(store: Any, unit: str) -> Counted:
    cells = " + ".join(
        {"minutes": MINUTES, "hours": HOURS, "hour_totals": HOURS, "days": DAYS}[unit].columns("quantity")
    )
    rows = await store.rows(
        f"SELECT project_id, outcome, category, reason, sum({cells}) FROM counter_{unit}"
        f" GROUP BY 1, 2, 3, 4 HAVING sum({cells}) > 0"
    )
    return Counter(
        {
            (project_id, str(Outcome(outcome)), str(DataCategory(category)), reason): int(quantity)
            for project_id, outcome, category, reason, quantity in rows
        }
    )


async def find_project(_: int) -> ProjectConfig | None:
    return None


async def deliver(store: Any, entries: list[Incoming], endings: list[str], chance: random.Random) -> None:
    """Deliver in random batches, some twice, until every entry was acknowledged."""
    recorder = store.recorder()
    reports = ClientReportReceivedHandler(recorder, find_project, report_days_max=90)
    handlers = {
        CLIENT_REPORT_RECEIVED.name: reports,
        OUTCOME_RECORDED.name: OutcomeRecordedHandler(recorder, shards=1),
    }
    pending, remaining = list(entries), list(endings)
    while pending:
        chance.shuffle(pending)
        kind = pending[0].type
        batch = [entry for entry in pending if entry.type == kind][: chance.randrange(1, 5)]
        batch += batch[: chance.randrange(0, 3)]
        ending = remaining.pop() if remaining else "acknowledged"
        with contextlib.suppress(Killed):
            if ending == "lost before commit":
                raise Killed
            await handlers[kind](batch)
            if ending == "killed after commit":
                raise Killed
            pending = [entry for entry in pending if entry not in batch]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(messages=st.lists(MESSAGES, max_size=8), endings=st.lists(ENDINGS, max_size=6), seed=st.integers(0, 2**16))
async def test_counts_are_conserved(store: Any, messages: Any, endings: list[str], seed: int) -> None:
    async with store.database.transaction() as connection:
        await connection.execute(
            text("TRUNCATE counter_minutes, counter_hours, counter_hour_totals, counter_days, processed")
        )
    now = store.clock.now()
    entries = [as_incoming(made(*message, now), f"{number}-0") for number, message in enumerate(messages)]
    await deliver(store, entries, endings, random.Random(seed))
    wanted = expected(messages)
    for unit in ("minutes", "hours", "hour_totals", "days"):
        assert await counted(store, unit) == wanted


async def test_a_failure_inside_the_transaction_counts_nothing(store: Any) -> None:
    """The second effect breaks the transaction that has already marked both as processed."""
    now = store.clock.now()
    good = as_incoming(made("outcomes", 1, [("", "error", 3)], now))
    step = Step(now, "feedback", "stored", SubmissionState.STORED)
    bad = Effects(uuid4(), now, (), (RecordedStep(1, SubmissionKey(2**70, "x"), step),))
    with pytest.raises(Exception, match="int64"):
        await store.recorder().record([read_effects(good), bad])
    assert await counted(store, "minutes") == Counter()
    await store.handler()([good])
    assert await counted(store, "minutes") == Counter({(1, "accepted", "error", ""): 3})


async def test_workers_at_the_same_time_count_once(store: Any) -> None:
    now = store.clock.now()
    messages = [("outcomes", 1 + number % 2, [("", "error", number)]) for number in range(40)]
    entries = [as_incoming(made(*message, now), f"{number}-0") for number, message in enumerate(messages)]
    chance = random.Random(7)

    async def work() -> None:
        mine = list(entries)
        chance.shuffle(mine)
        handler = store.handler()
        for start in range(0, len(mine), 10):
            await handler(mine[start : start + 10])

    await asyncio.gather(*(work() for _ in range(4)))
    assert await counted(store, "hours") == expected(messages)


async def test_a_message_that_comes_again_after_days_is_not_counted_again(store: Any) -> None:
    entry = as_incoming(made("outcomes", 1, [("", "error", 3)], store.clock.now()))
    handler = store.handler()
    await handler([entry])
    store.clock.move(days=store.settings.processed_days_max - 1)
    await store.partitions.drop_old(store.clock.now())
    await handler([entry])
    assert await counted(store, "days") == Counter({(1, "accepted", "error", ""): 3})


async def test_a_killed_worker_loses_and_doubles_nothing(store: Any, bus: Any, redis_url: str) -> None:
    """A real worker, killed in the middle of its work; the next one takes over where it was."""
    now = store.clock.now()
    messages = [
        ("report" if number % 2 else "outcomes", 1 + number % 2, [("r", "error", number % 7)])
        for number in range(6_000)
    ]
    entries = [made(*message, now) for message in messages]
    for start in range(0, len(entries), 1_000):
        await bus.publish(entries[start : start + 1_000])
    keys = [stream.shard_key(0) for stream in (CLIENT_REPORT_RECEIVED, OUTCOME_RECORDED)]
    environment = {
        "CLIENT_REPORTS_SERVICE_DATABASE_URL": store.url,
        "HEARBACK_REDIS_URL": redis_url,
        "HEARBACK_STREAM_SHARDS": "1",
        "HEARBACK_CONSUMER_IDLE_MS_MIN": "3000",
        "CLIENT_REPORTS_BATCH_MAX": "200",
        "CLIENT_REPORTS_PORT": "0",
        "CLIENT_REPORTS_CONSUMER_NAME": "killed",
    }

    async def backlog() -> int:
        return sum((await bus.backlog(keys)).values())

    async def below(limit: int) -> bool:
        return await backlog() <= limit

    for limit in (4_500, 0):
        worker = shared_forks().start("client_reports.__main__:main", "work", environment=environment)
        try:
            await eventually(lambda limit=limit: below(limit), seconds=120)
        finally:
            os.kill(worker, signal.SIGKILL)
            shared_forks().wait(worker)
        assert limit == 0 or await backlog() > 0, "it was not killed in the middle"
    for unit in ("minutes", "hours", "days"):
        assert await counted(store, unit) == expected(messages)


async def test_late_reports_reach_the_counters_that_still_exist(store: Any) -> None:
    for days in (0, 8, 91, 10_000):
        then = store.clock.now() - timedelta(days=days)
        count = OutcomeCount(organization_id=1, project_id=1, category=1, outcome=0, quantity=1, timestamp=then)
        await store.take(outcomes=(count,))
    sums = [sum((await counted(store, unit)).values()) for unit in ("minutes", "hours", "days")]
    assert sums == [1, 2, 3]


async def test_a_clock_in_the_future_cannot_stop_the_stream(store: Any) -> None:
    then = store.clock.now() + timedelta(days=400)
    count = OutcomeCount(organization_id=1, project_id=1, category=999, outcome=0, quantity=1, timestamp=then)
    step = store.step("x\x00y", at=then)
    await store.take(step, outcomes=(count,), id="not a uuid", occurred_at=then)
    assert await counted(store, "minutes") == Counter({(1, "accepted", "unknown", None): 1})
