"""Every client of both servers sees every fault of a connection as the same outage, and works again after it.

On uvloop, as services run: what it raises for a closed transport differs from asyncio's.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvloop
from hearback_devkit.testing import FaultProxy, beside, eventually, run_on_loop
from hearback_kit.bus import Outgoing, RedisStreams
from hearback_kit.bus.group_commit import GroupCommit
from hearback_kit.bus.group_reads import GroupReaders
from hearback_kit.clock import SystemClock
from hearback_kit.db import Database
from hearback_kit.errors import Unavailable
from hearback_kit.limits import Limit, LimitBatches
from hearback_kit.outages import is_connection_error, outage_as_unavailable
from hearback_kit.resp import RespConnection
from hearback_kit.snapshots import SnapshotCache, SnapshotStore
from hearback_kit.valkey import connect, is_outage
from sqlalchemy import text

KEY = "s:{0}"
FAULTS: dict[str, Callable[[FaultProxy], None]] = {
    "reset": FaultProxy.cut,
    "accepted and reset": FaultProxy.refuse,
    "half closed": FaultProxy.half_close,
    "silent": FaultProxy.hang,
    "reset amid an answer": lambda proxy: proxy.reset_after(3),
}
PASSING = {"reset"}  # the next connection works: a client that connects again notices nothing


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    """Run a coroutine on a loop of its own, of either kind."""

    return lambda work: run_on_loop(work, request.param)


Call = Callable[[], Awaitable[Any]]


async def command_client(url: str) -> AsyncIterator[Call]:
    bus = RedisStreams(connect(url, timeout_seconds=0.5), RespConnection(url))
    yield lambda: bus.oldest_ms([KEY])
    await bus.close()


async def blocking_client(url: str) -> AsyncIterator[Call]:
    waiting: Any = connect(url, timeout_seconds=0.3, blocking=True, block_ms_max=100)

    async def read() -> None:
        with outage_as_unavailable(is_outage, "away"):
            await waiting.xread({KEY: "0-0"}, block=100)

    yield read
    await waiting.aclose()


async def group_reader(url: str) -> AsyncIterator[Call]:
    bus = RedisStreams(connect(url, timeout_seconds=0.5), RespConnection(url))
    readers = GroupReaders(lambda: RespConnection(url, answer_seconds_max=0.5))

    async def read() -> None:
        await bus.ensure_group([KEY], "g")
        await readers.read([KEY], "g", "c", per_key=1, block_ms=100)

    yield read
    readers.close()
    await bus.close()


async def resp_connection(url: str) -> AsyncIterator[Call]:
    connection = RespConnection(url, answer_seconds_max=0.5)
    yield lambda: connection.command("PING")
    connection.close()


async def group_commit(url: str) -> AsyncIterator[Call]:
    connection = RespConnection(url, answer_seconds_max=0.5)
    group: GroupCommit[None] = GroupCommit(connection, lambda _notes: ())
    yield lambda: group.commit([Outgoing(KEY, "t", b"1")])
    connection.close()


async def database(url: str) -> AsyncIterator[Call]:
    database = Database(url, statement_timeout_ms=200, silence_seconds_max=0.3)

    async def query() -> None:
        async with database.transaction() as connection:
            await connection.execute(text("SELECT 1"))

    yield query
    await database.close()


CLIENTS = {
    "command client": command_client,
    "blocking client": blocking_client,
    "group reader": group_reader,
    "RESP connection": resp_connection,
    "group commit": group_commit,
    "database": database,
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", CLIENTS)
def test_every_fault_is_an_outage_and_passes(
    name: str, fault: str, run: Callable[[Any], Any], redis_url: str, postgres_url: str
) -> None:
    url = redis_url
    if name == "database":
        url = postgres_url if urlsplit(postgres_url).path.strip("/") else postgres_url.rstrip("/") + "/postgres"

    async def work() -> None:
        async with FaultProxy.to(url).run() as proxy:
            opened = CLIENTS[name](proxy.url)
            call = await anext(opened)

            async def works() -> bool:
                try:
                    await call()
                except Unavailable:
                    return False
                return True

            await eventually(works)  # on a busy machine the first connection may take too long
            FAULTS[fault](proxy)
            answered = [await works() for _ in range(3)]
            assert not all(answered) or fault in PASSING
            proxy.heal()
            await eventually(works)
            async for _ in opened:
                pass

    run(work())


@pytest.mark.parametrize("fault", FAULTS)
def test_a_follower_of_snapshots_outlives_every_fault(
    fault: str, run: Callable[[Any], Any], redis_url: str
) -> None:
    async def work() -> None:
        async with FaultProxy.to(redis_url).run() as proxy:
            client, direct = connect(proxy.url, timeout_seconds=0.5), connect(redis_url)
            waiting = connect(proxy.url, timeout_seconds=0.3, blocking=True, block_ms_max=100)
            store = SnapshotStore(direct)
            cache = SnapshotCache(client, waiting, lambda _name, raw: raw, block_ms=100)
            await store.publish({"a": b"on"})

            async def is_now(wanted: bytes) -> bool:
                try:
                    return bool(await cache.load("a") == wanted)
                except Unavailable:
                    return False

            async with beside(cache.follow) as following:
                await eventually(lambda: is_now(b"on"))
                FAULTS[fault](proxy)
                await store.publish({"a": b"off"})
                await eventually(lambda: proxy.faults_met)
                assert not following.done()
                proxy.heal()
                await eventually(lambda: is_now(b"off"))
            for one in (client, waiting, direct):
                await one.aclose()

    run(work())


@pytest.mark.parametrize("fault", FAULTS)
def test_limits_fail_open_during_every_fault(fault: str, run: Callable[[Any], Any], redis_url: str) -> None:
    async def work() -> None:
        async with FaultProxy.to(redis_url).run() as proxy:
            connection = RespConnection(proxy.url, answer_seconds_max=0.3)
            limits = LimitBatches(connection, SystemClock())
            shut = Limit("shut", 0, 60)

            async def refuses() -> bool:
                return await limits.retry_after(shut) > 0

            await eventually(refuses)
            FAULTS[fault](proxy)
            waits = [await limits.retry_after(shut) for _ in range(3)]
            assert 0 in waits or fault in PASSING
            proxy.heal()
            await eventually(refuses)
            connection.close()

    run(work())


async def test_a_cancellation_that_a_client_raises_by_itself_is_an_outage() -> None:
    with pytest.raises(Unavailable), outage_as_unavailable(is_outage, "away"):
        raise asyncio.CancelledError


async def test_a_cancellation_of_the_task_is_none() -> None:
    async def work() -> None:
        with outage_as_unavailable(is_outage, "away"):
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("error", [OSError("no such file"), RuntimeError("the handler is closed"), EOFError()])
def test_an_error_of_other_code_is_no_outage(error: Exception) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        fail()
    assert not is_connection_error(caught.value, ("redis.",))
    assert is_connection_error(caught.value, (__name__,))
