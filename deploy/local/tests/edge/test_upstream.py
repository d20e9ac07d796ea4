"""Connections to a service are bounded: further requests wait for their turn, in their order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from hearback_devkit.testing import eventually
from hearback_local.edge.upstream import Pool, UpstreamConnection


@asynccontextmanager
async def pool_of(connections_max: int, waiting_max: int) -> AsyncIterator[Pool]:
    """Yield a pool before a server that answers nothing."""

    kept: set[asyncio.Task[None] | None] = set()

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        kept.add(asyncio.current_task())
        await reader.read()
        writer.close()

    server = await asyncio.start_server(keep, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    pool = Pool(
        "s", port, connections_max=connections_max, waiting_max=waiting_max, idle_max=4, connect_seconds_max=5
    )
    try:
        yield pool
    finally:
        pool.close_idle(float("inf"))
        server.close()
        await asyncio.gather(*filter(None, kept), return_exceptions=True)


async def queued(pool: Pool, count: int) -> list[asyncio.Task[UpstreamConnection]]:
    """Let requests ask for a connection, and return them waiting in their order."""
    waiting = [asyncio.create_task(pool.connect()) for _ in range(count)]
    await asyncio.sleep(0)
    return waiting


async def test_a_free_connection_goes_to_the_first_that_waits() -> None:
    async with pool_of(1, 2) as pool:
        connection = await pool.connect()
        first, second = await queued(pool, 2)
        connection.release(0.0)
        assert await first is connection
        assert not second.done()
        connection.release(1.0)
        assert await second is connection
        connection.release(2.0)
        assert pool.take_idle() is connection
        connection.close()


async def test_a_lost_connection_makes_room_for_a_new_one() -> None:
    async with pool_of(1, 1) as pool:
        connection = await pool.connect()
        [waiting] = await queued(pool, 1)
        connection.close()
        other = await waiting
        assert other is not connection
        other.close()


async def test_one_that_gives_up_is_passed_over() -> None:
    async with pool_of(1, 2) as pool:
        connection = await pool.connect()
        gone, waiting = await queued(pool, 2)
        gone.cancel()
        with suppress(asyncio.CancelledError):
            await gone
        connection.release(0.0)
        assert await waiting is connection
        connection.close()


async def test_one_that_gives_up_as_its_turn_comes_frees_the_place() -> None:
    async with pool_of(1, 2) as pool:
        connection = await pool.connect()
        gone, waiting = await queued(pool, 2)
        connection.release(0.0)
        gone.cancel()
        other = await waiting
        assert gone.cancelled()
        other.close()


async def test_more_may_not_wait() -> None:
    async with pool_of(1, 1) as pool:
        connection = await pool.connect()
        [waiting] = await queued(pool, 1)
        with pytest.raises(ConnectionRefusedError):
            await pool.connect()
        connection.release(0.0)
        (await waiting).close()
        await eventually(waiting.done)
