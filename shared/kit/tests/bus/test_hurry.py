"""Readers catch up with a consumer that gathers."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from hearback_kit.bus.hurry import Hurries, Hurry
from hearback_kit.stopping import Stopping

LONG = 30.0


@pytest.fixture
async def stop() -> AsyncIterator[Stopping]:
    stopping = Stopping(asyncio.Event())
    yield stopping
    stopping.close()


class Loop:
    """A consumer's loop: gather for long, read, handle."""

    def __init__(self, hurry: Hurry, stop: Stopping) -> None:
        self._hurry = hurry
        self._stop = stop
        self.handled = 0

    async def turn(self, *, begun: asyncio.Event | None = None, go_on: asyncio.Event | None = None) -> None:
        await self._hurry.pause(LONG, self._stop)
        self._hurry.reading(gathered=True)
        self._hurry.handling(1)
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


async def test_a_reader_ends_the_gathering_and_waits_for_the_batch(stop: Stopping) -> None:
    hurry = Hurry()
    loop = Loop(hurry, stop)
    task = await _begun(loop)
    await hurry.catch_up()
    assert loop.handled == 1
    task.cancel()


async def test_a_reader_waits_for_every_consumer(stop: Stopping) -> None:
    hurries = Hurries()
    loops = [Loop(hurries.one(), stop) for _ in range(3)]
    tasks = [await _begun(loop) for loop in loops]
    await hurries.catch_up()
    assert [loop.handled for loop in loops] == [1, 1, 1]
    for task in tasks:
        task.cancel()


async def test_a_reader_beside_a_batch_waits_for_the_next_one_too(stop: Stopping) -> None:
    hurry, begun, go_on = Hurry(apart_seconds=0), asyncio.Event(), asyncio.Event()
    loop = Loop(hurry, stop)

    async def run() -> None:
        await loop.turn(begun=begun, go_on=go_on)
        await loop.run()

    task = asyncio.create_task(run())
    await asyncio.sleep(0)
    first = asyncio.create_task(hurry.catch_up())
    await begun.wait()
    second = asyncio.create_task(hurry.catch_up())
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(first, second)
    assert loop.handled == 2
    task.cancel()


async def test_many_readers_cost_no_more_than_the_least_distance_allows(stop: Stopping) -> None:
    hurry = Hurry(apart_seconds=0.1)
    loop = Loop(hurry, stop)
    task = await _begun(loop)
    until = time.monotonic() + 0.45
    while time.monotonic() < until:
        await asyncio.gather(*(hurry.catch_up() for _ in range(5)))
    assert 1 <= loop.handled <= 6
    task.cancel()


async def test_without_a_consumer_that_gathers_nothing_waits(stop: Stopping) -> None:
    hurry = Hurry()
    async with asyncio.timeout(0.4):
        await hurry.catch_up()
        hurry.reading(gathered=False)
        await hurry.catch_up()


async def test_a_read_that_brought_nothing_ends_the_wait(stop: Stopping) -> None:
    hurry = Hurry()
    pausing = asyncio.create_task(hurry.pause(LONG, stop))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(hurry.catch_up())
    await pausing
    hurry.reading(gathered=True)
    hurry.handling(0)
    async with asyncio.timeout(0.4):
        await waiting
