"""Readers catch up with a consumer that gathers."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from hearback_devkit.testing import eventually
from hearback_kit.bus.read_barrier import ConsumerBarrier, ReadBarrier
from hearback_kit.stopping import Stopping

LONG = 30.0


@pytest.fixture
async def stop() -> AsyncIterator[Stopping]:
    stopping = Stopping(asyncio.Event())
    yield stopping
    stopping.close()


class Loop:
    """A consumer's loop: gather for long, read, handle."""

    def __init__(self, barrier: ConsumerBarrier, stop: Stopping) -> None:
        self._barrier = barrier
        self._stop = stop
        self.handled = 0

    async def turn(self, *, begun: asyncio.Event | None = None, go_on: asyncio.Event | None = None) -> None:
        await self._barrier.pause(LONG, self._stop)
        self._barrier.reading(lingered=True)
        self._barrier.handling(1)
        if begun is not None and go_on is not None:
            begun.set()
            await go_on.wait()
        self.handled += 1

    async def run(self) -> None:
        while True:
            await self.turn()


async def _begun(loop: Loop) -> "asyncio.Task[None]":
    task = asyncio.create_task(loop.run())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return task


async def test_a_reader_ends_the_linger_and_waits_for_the_batch(stop: Stopping) -> None:
    barrier = ConsumerBarrier()
    loop = Loop(barrier, stop)
    task = await _begun(loop)
    await barrier.catch_up()
    assert loop.handled == 1
    task.cancel()


async def test_a_reader_in_a_hurry_ends_the_linger_and_does_not_wait(stop: Stopping) -> None:
    barrier = ConsumerBarrier()
    loop = Loop(barrier, stop)
    assert not barrier.hurry(), "nothing lingers"
    task = await _begun(loop)
    assert barrier.hurry()
    assert loop.handled == 0
    await eventually(lambda: loop.handled)
    task.cancel()


async def test_a_reader_waits_for_every_consumer(stop: Stopping) -> None:
    read_barrier = ReadBarrier()
    loops = [Loop(read_barrier.for_consumer(), stop) for _ in range(3)]
    tasks = [await _begun(loop) for loop in loops]
    await read_barrier.catch_up()
    assert [loop.handled for loop in loops] == [1, 1, 1]
    for task in tasks:
        task.cancel()


async def test_a_reader_beside_a_batch_waits_for_the_next_one_too(stop: Stopping) -> None:
    barrier, begun, go_on = ConsumerBarrier(apart_seconds=0), asyncio.Event(), asyncio.Event()
    loop = Loop(barrier, stop)

    async def run() -> None:
        await loop.turn(begun=begun, go_on=go_on)
        await loop.run()

    task = asyncio.create_task(run())
    await asyncio.sleep(0)
    first = asyncio.create_task(barrier.catch_up())
    await begun.wait()
    second = asyncio.create_task(barrier.catch_up())
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(first, second)
    assert loop.handled == 2
    task.cancel()


async def test_many_readers_cost_no_more_than_the_least_distance_allows(stop: Stopping) -> None:
    barrier = ConsumerBarrier(apart_seconds=0.1)
    loop = Loop(barrier, stop)
    task = await _begun(loop)
    until = time.monotonic() + 0.45
    while time.monotonic() < until:
        await asyncio.gather(*(barrier.catch_up() for _ in range(5)))
    assert 1 <= loop.handled <= 6
    task.cancel()


async def test_without_a_consumer_that_gathers_nothing_waits(stop: Stopping) -> None:
    barrier = ConsumerBarrier()
    async with asyncio.timeout(0.4):
        await barrier.catch_up()
        barrier.reading(lingered=False)
        await barrier.catch_up()


async def test_a_read_that_brought_nothing_ends_the_wait(stop: Stopping) -> None:
    barrier = ConsumerBarrier()
    pausing = asyncio.create_task(barrier.pause(LONG, stop))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(barrier.catch_up())
    await pausing
    barrier.reading(lingered=True)
    barrier.handling(0)
    async with asyncio.timeout(0.4):
        await waiting
