"""The worker on real streams: killed, given poison, cut off from its database."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest_asyncio
from feedback.app import create_worker
from feedback.settings import Settings
from feedback.store.tables import FEEDBACK, OUTBOX
from hearback_contracts.streams import FEEDBACK_CREATED, FEEDBACK_SUBMITTED, OUTCOME_RECORDED, Stream
from hearback_devkit.fleet import publish_project
from hearback_devkit.testing import FaultProxy, eventually
from hearback_devkit.testing.forks import shared_forks
from hearback_kit.bus import RedisStreams
from hearback_kit.db import Database
from sqlalchemy import Table, func, select

from ..conftest import MEMBERS, Intake, payload, submitted

KEYS = FEEDBACK_SUBMITTED.shard_keys(4)


@pytest_asyncio.fixture
async def quick(settings: Settings, redis: Any) -> Settings:
    """Settings of a worker that gives up soon, beside a registry that is away."""
    await publish_project(redis, members=MEMBERS)
    changed = {"deliveries_max": 2, "consumer_idle_ms_min": 3_000, "registry_url": "http://127.0.0.1:9"}
    return settings.model_copy(update={**changed, "announces_together": True, "compact_rows": True})


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[asyncio.Task[None]]:
    stop = asyncio.Event()
    task = asyncio.create_task(create_worker(settings).run(stop))
    yield task
    stop.set()
    if not task.cancelled():
        await task


async def stored(settings: Settings) -> int:
    return await rows_of(settings, FEEDBACK)


async def rows_of(settings: Settings, table: Table) -> int:
    database = Database(settings.database_url, pool_size=1)
    async with database.connection() as connection:
        found: int = (await connection.execute(select(func.count()).select_from(table))).scalar_one()
    await database.close()
    return found


async def recorded(redis: Any) -> list[dict[str, Any]]:
    return await messages_of(redis, OUTCOME_RECORDED)


async def messages_of(redis: Any, stream: Stream) -> list[dict[str, Any]]:
    found = []
    for key in stream.shard_keys(4):
        found += [orjson.loads(fields[b"d"]) for _, fields in await redis.xrange(key)]
    return found


async def accepted(redis: Any) -> int:
    """Accepted feedback as client-reports would count it: once per message id."""
    messages = {message["id"]: message for message in await recorded(redis)}
    return sum(o["quantity"] for m in messages.values() for o in m.get("outcomes", []) if o["outcome"] == 0)


def start_process(settings: Settings) -> int:
    environment = {
        "FEEDBACK_SERVICE_DATABASE_URL": settings.database_url,
        "HEARBACK_REDIS_URL": settings.redis_url.get_secret_value(),
        "HEARBACK_BLOB_URL": settings.blob_url,
        "FEEDBACK_PORT": "0",
        "FEEDBACK_BATCH_MAX": "20",
        "FEEDBACK_COMPACT_ROWS": "true",
        "FEEDBACK_ANNOUNCES_TOGETHER": "true",
        "HEARBACK_CONSUMER_IDLE_MS_MIN": "3000",
        "HEARBACK_DELIVERIES_MAX": "100",
    }
    return shared_forks().start("feedback.__main__:main", "work", environment=environment)


async def test_killed_again_and_again_stores_and_counts_once(
    quick: Settings, bus: RedisStreams, redis: Any
) -> None:
    published = in_the_middle = 0
    while published < 1_500 or (not in_the_middle and published < 5_000):
        await bus.publish([submitted(payload(f"m{number}")) for number in range(published, published + 500)])
        published += 500
        before = await stored(quick)
        process = start_process(quick)

        async def moved(least: int = before) -> bool:
            return await stored(quick) > least

        await eventually(moved, seconds=120)
        os.kill(process, signal.SIGKILL)
        shared_forks().wait(process)
        in_the_middle += await stored(quick) < published
    assert in_the_middle
    # Each kill counts as a delivery of what was in hand; none of it is poison.
    async with working(quick.model_copy(update={"deliveries_max": 100})):

        async def finished() -> bool:
            return await accepted(redis) == published and sum((await bus.backlog(KEYS)).values()) == 0

        await eventually(finished, seconds=120)
        await eventually(lambda: _are_announced(redis, published), seconds=60)
    assert await stored(quick) == published


async def _are_announced(redis: Any, number: int) -> bool:
    """Whether so much feedback is announced, once or by messages that are the same."""
    messages: dict[str, dict[str, Any]] = {}
    for message in await messages_of(redis, FEEDBACK_CREATED):
        assert messages.setdefault(message["id"], message) == message
    announced = [one["issue_id"] for message in messages.values() for one in message["feedback"]]
    assert len(set(announced)) == len(announced)
    return len(announced) == number


async def test_killed_between_commit_and_announcement(quick: Settings, bus: RedisStreams, redis: Any) -> None:
    keys = FEEDBACK_CREATED.shard_keys(4)
    for key in keys:
        await redis.set(key, "no stream, so that it takes no message")
    texts = [f"m{number}" for number in range(50)]
    await bus.publish([submitted(payload(text)) for text in texts])
    process = start_process(quick)

    async def are_stored() -> bool:
        return await stored(quick) == len(texts) and await accepted(redis) == len(texts)

    await eventually(are_stored, seconds=60)
    os.kill(process, signal.SIGKILL)
    shared_forks().wait(process)
    await redis.delete(*keys)
    async with working(quick):
        await eventually(lambda: _are_announced(redis, len(texts)), seconds=60)
        await eventually(lambda: _is_empty(quick), seconds=60)
    announced = [one["message"] for sent in await messages_of(redis, FEEDBACK_CREATED) for one in sent["feedback"]]
    assert sorted(announced) == sorted(texts)


async def _is_empty(settings: Settings) -> bool:
    return await rows_of(settings, OUTBOX) == 0


async def test_killed_between_commit_and_acknowledgement(
    quick: Settings, intake: Intake, bus: RedisStreams, redis: Any
) -> None:
    await bus.ensure_group(KEYS, "feedback")
    await bus.publish([submitted(payload(f"m{number}")) for number in range(10)])
    batch = await bus.read(KEYS, "feedback", "feedback-worker", count=100, block_ms=1_000)
    assert len(batch) == 10
    await intake.handler(batch)
    async with working(quick.model_copy(update={"consumer_name": "feedback-worker"})):

        async def acknowledged() -> bool:
            return sum((await bus.backlog(KEYS)).values()) == 0 and await accepted(redis) > 0

        await eventually(acknowledged)
    assert await stored(quick) == 10
    assert await accepted(redis) == 10


async def test_poison_becomes_a_dead_letter_whose_fate_is_recorded(
    quick: Settings, bus: RedisStreams, redis: Any
) -> None:
    poison = submitted(organization_id=1 << 63, submission_id="b" * 32)  # no number of a database
    await bus.publish([submitted(), poison, submitted()])
    async with working(quick):

        async def buried() -> bool:
            return len(await bus.dead_letters(poison.key)) == 1 and await stored(quick) == 2

        await eventually(buried)

        async def steps() -> list[Any]:
            steps = [step for message in await recorded(redis) for step in message.get("steps", [])]
            return [step for step in steps if step["submission_id"] == "b" * 32]

        [step] = await eventually(steps)
    assert (step["state"], step["reason"]) == ("dropped", "dead_letter")
    assert await accepted(redis) == 2


async def test_database_away_loses_nothing(quick: Settings, bus: RedisStreams, redis: Any) -> None:
    async with FaultProxy.to(quick.database_url).run() as proxy:
        url = type(quick.redis_url)(proxy.url)
        async with working(quick.model_copy(update={"service_database_url": url})):
            await bus.publish([submitted()])

            async def first() -> bool:
                return await stored(quick) == 1

            await eventually(first)
            proxy.refuse()
            await bus.publish([submitted() for _ in range(20)])
            proxy.heal()

            async def all_there() -> bool:
                return await stored(quick) == 21 and await accepted(redis) == 21

            await eventually(all_there)
    assert await bus.dead_letters(KEYS[0]) == []
