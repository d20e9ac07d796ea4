"""A worker and an app through every fault of both servers: no task crashes, and everything works afterwards.

On uvloop, as services run.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop
from hearback_contracts.streams import FEEDBACK_SUBMITTED
from hearback_devkit.fleet import publish_project
from hearback_devkit.testing import FaultProxy, beside, eventually, run_on_loop, running
from hearback_fleet.runtime import ServiceRuntime, service_app, service_worker
from hearback_kit.background import CRASHES
from hearback_kit.bus import Incoming, Outgoing, RedisStreams
from hearback_kit.db import Database
from hearback_kit.errors import Unavailable
from hearback_kit.outbox import outbox_table
from hearback_kit.settings import ServiceSettings
from hearback_kit.valkey import connect
from pydantic import SecretStr
from sqlalchemy import MetaData

METADATA = MetaData()
OUTBOX = outbox_table(METADATA)
FAULTS: dict[str, Callable[[FaultProxy], None]] = {
    "accepted and reset": FaultProxy.refuse,
    "half closed": FaultProxy.half_close,
    "silent": FaultProxy.hang,
    "reset amid an answer": lambda proxy: proxy.reset_after(3),
}


class Settings(ServiceSettings):
    service = "sample"


def crashes() -> float:
    """Background tasks that crashed in this process so far."""
    return sum(
        sample.value for metric in CRASHES.collect() for sample in metric.samples if sample.name.endswith("_total")
    )


@pytest.fixture
async def settings(redis_url: str, make_database: Callable[[str], Awaitable[str]]) -> Settings:
    url = await make_database("")
    database = Database(url)
    async with database.transaction() as connection:
        await connection.run_sync(METADATA.create_all)
    await database.close()
    return Settings(redis_url=redis_url, service_database_url=url, consumer_idle_ms_min=1_000)


@asynccontextmanager
async def running_beside(work: Callable[[asyncio.Event], Awaitable[None]]) -> AsyncIterator[None]:
    """Run something until the block ends; it must not have ended before."""
    async with beside(work) as task:
        yield
        assert not task.done()


@pytest.mark.parametrize("store", ["valkey", "postgres"])
def test_a_worker_goes_on_after_every_fault(store: str, settings: Settings) -> None:
    """Consumers hand messages on through the outbox and its relay; each arrives, however the stores behave."""
    redis_url = settings.redis_url.get_secret_value()

    def build(runtime: ServiceRuntime) -> None:
        relay = runtime.relay

        async def handle(messages: Sequence[Incoming]) -> None:
            async with runtime.database.transaction() as connection:
                added = await runtime.outbox.add(connection, [Outgoing("out", "t", one.data) for one in messages])
            relay.publish(added)

        assert runtime.configuration is not None
        runtime.consume(FEEDBACK_SUBMITTED, handle, batch_max=10, consumers=2)
        runtime.every("ping", 0.1, runtime.database.ping)

    async def work() -> None:
        async with (
            FaultProxy.to(redis_url).run() as valkey,
            FaultProxy.to(settings.database_url).run() as postgres,
            connect(redis_url) as client,
        ):
            urls = {"redis_url": SecretStr(valkey.url), "service_database_url": SecretStr(postgres.url)}
            worker = service_worker(settings.model_copy(update=urls), build=build, outbox=OUTBOX)
            bus = RedisStreams.open(redis_url)
            before = crashes()

            async def arrived(count: int) -> bool:
                return len({fields[b"d"] for _, fields in await client.xrange("out")}) >= count

            async def is_ready() -> bool:
                try:
                    for check in worker.checks.values():
                        await check()
                except Unavailable:
                    return False
                return True

            async def goes_on_after(fault: Callable[[FaultProxy], None], number: int) -> None:
                proxy = valkey if store == "valkey" else postgres
                proxy.faults_met = 0
                fault(proxy)
                for _ in range(4):
                    number += 1
                    await bus.publish([Outgoing(FEEDBACK_SUBMITTED.key(number, 4), "t", b"%d" % number)])
                await eventually(lambda: proxy.faults_met > 2)
                assert not await is_ready()
                valkey.heal()
                postgres.heal()
                await eventually(lambda: arrived(number), seconds=30)
                await eventually(is_ready, seconds=30)

            async with running_beside(worker.run):
                for position, fault in enumerate(FAULTS.values()):
                    await goes_on_after(fault, 4 * position)
            await bus.close()
            assert crashes() == before

    run_on_loop(work(), uvloop.new_event_loop)


def test_an_app_sees_what_changed_during_a_fault(settings: Settings) -> None:
    """Configuration and stream bounds are current again: a key switched off, a stream that was drained."""
    redis_url = settings.redis_url.get_secret_value()
    key = FEEDBACK_SUBMITTED.shard_key(0)

    def build(runtime: ServiceRuntime) -> Any:
        return runtime.configuration, runtime.stream_bounds([FEEDBACK_SUBMITTED], 1)

    async def work() -> None:
        async with FaultProxy.to(redis_url).run() as proxy, connect(redis_url) as client:
            far = settings.model_copy(update={"redis_url": SecretStr(proxy.url)})
            app = service_app(far, title="Sample", description="x", build=build)
            before = crashes()
            async with running(app):
                configuration, bounds = app.state.state
                for number, fault in enumerate(FAULTS.values()):
                    project = await publish_project(client, project_id=1, features={"n": bool(number % 2)})
                    await client.xadd(key, {"t": "t"})
                    await eventually(lambda: bounds.is_full(key), seconds=30)

                    async def is_current(wanted: Any = project) -> bool:
                        return await configuration.project(1) == wanted

                    await eventually(is_current, seconds=30)
                    proxy.faults_met = 0
                    fault(proxy)
                    changed = await publish_project(client, project_id=1, features={"n": not number % 2})
                    await client.delete(key)
                    await eventually(lambda: proxy.faults_met > 2)
                    proxy.heal()
                    await eventually(lambda wanted=changed: is_current(wanted), seconds=30)
                    await eventually(lambda: not bounds.is_full(key), seconds=30)
            assert crashes() == before

    run_on_loop(work(), uvloop.new_event_loop)
