"""Streams while the server hangs, is cut off, stops, or comes back empty."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hearback_devkit.engines import ValkeyEngine
from hearback_devkit.testing import beside, eventually, recorded
from hearback_kit.bus import Consumer, ConsumerOptions, Incoming, Outgoing, RedisStreams
from hearback_kit.bus.bounds import StreamBounds
from hearback_kit.errors import Unavailable

from .test_consumer import KEYS, drained

OPTIONS = ConsumerOptions(block_ms=20, idle_ms_min=1_000, outage_seconds=0.02, retry_seconds_first=0.01)


@asynccontextmanager
async def streams(url: str, timeout_seconds: float = 5.0) -> AsyncIterator[RedisStreams]:
    bus = RedisStreams.open(url, answer_seconds_max=timeout_seconds)
    try:
        yield bus
    finally:
        await bus.close()


async def test_every_method_says_that_the_server_is_away(redis_proxy):
    async with streams(redis_proxy.url) as bus:
        await bus.publish([Outgoing(KEYS[0], "t", b"1")])
        await bus.ensure_group(KEYS, "g")
        [taken] = await bus.read(KEYS, "g", "c", count=1, block_ms=10)
        await bus.dead_letter("g", taken, "no")
        letters = await bus.dead_letters(KEYS[0])
        redis_proxy.refuse()
        for call in (
            lambda: bus.publish([Outgoing(KEYS[0], "t", b"1")]),
            lambda: bus.ensure_group(KEYS, "g"),
            lambda: bus.read(KEYS, "g", "c", count=1, block_ms=10),
            lambda: bus.read_own(KEYS, "g", "c", count=1),
            lambda: bus.claim(KEYS, "g", "c", idle_ms_min=0, count=1),
            lambda: bus.renew("g", "c", [taken]),
            lambda: bus.forget_consumers(KEYS, "g", idle_ms_min=0),
            lambda: bus.ack("g", [taken]),
            lambda: bus.dead_letter("g", taken, "no"),
            lambda: bus.backlog(KEYS),
            lambda: bus.dead_letters(KEYS[0]),
            lambda: bus.replay(letters),
        ):
            with pytest.raises(Unavailable):
                await call()
        redis_proxy.heal()
        assert await bus.replay(letters) == 1


async def test_a_server_that_hangs_is_noticed(redis_proxy):
    async with streams(redis_proxy.url, timeout_seconds=0.2) as bus:
        await bus.backlog(KEYS)
        redis_proxy.hang()
        with pytest.raises(Unavailable):
            await bus.backlog(KEYS)


async def test_a_consumer_outlives_cuts_and_handles_everything(redis_proxy, bus):
    seen: list[bytes] = []

    async def handle(batch: Sequence[Incoming]) -> None:
        seen.extend(one.data for one in batch)

    async with (
        streams(redis_proxy.url) as far,
        beside(Consumer(far, KEYS, group="g", name="c", handle=handle, options=OPTIONS).run),
    ):
        for n in range(20):
            await bus.publish([Outgoing(KEYS[n % 2], "t", b"%d" % n)])
            await eventually(lambda n=n: b"%d" % n in seen)
            redis_proxy.cut()
        await drained(bus)
    assert {int(data) for data in seen} == set(range(20))


async def test_what_was_published_outlives_a_kill_of_the_server(engine_folder: Path):
    engine = ValkeyEngine(engine_folder / "killed-valkey")
    engine.start()
    seen: set[int] = set()

    async def handle(batch: Sequence[Incoming]) -> None:
        seen.update(int(one.data) for one in batch)

    try:
        async with streams(engine.url) as bus:
            await bus.ensure_group(KEYS, "g")
            await bus.publish([Outgoing(KEYS[n % 2], "t", b"%d" % n) for n in range(100)])
            await bus.read(KEYS, "g", "c", count=10, block_ms=10)
            engine.kill()
            with pytest.raises(Unavailable):
                await bus.publish([Outgoing(KEYS[0], "t", b"100")])
            async with beside(Consumer(bus, KEYS, group="g", name="c", handle=handle, options=OPTIONS).run):
                await asyncio.to_thread(engine.start)
                await drained(bus)
    finally:
        engine.stop()
    assert seen == set(range(100))


async def test_a_consumer_goes_on_when_the_server_comes_back_empty(bus, redis):
    seen: list[bytes] = []

    async def handle(batch: Sequence[Incoming]) -> None:
        seen.extend(one.data for one in batch)

    async with beside(Consumer(bus, KEYS, group="g", name="c", handle=handle, options=OPTIONS).run):
        await bus.publish([Outgoing(KEYS[0], "t", b"1")])
        await eventually(lambda: seen == [b"1"])
        await redis.flushall()
        await bus.publish([Outgoing(KEYS[0], "t", b"2")])
        await eventually(lambda: seen == [b"1", b"2"])


async def test_a_stream_at_its_bound_is_full_and_not_before(bus):
    bounds = StreamBounds(bus, {KEYS[0]: 2, KEYS[1]: 2}, interval_seconds=0.01)
    await bus.publish([Outgoing(KEYS[0], "t", b"1"), Outgoing(KEYS[1], "t", b"1")])
    await bounds.look()
    assert not bounds.any_full
    await bus.publish([Outgoing(KEYS[0], "t", b"2")])
    await bounds.look()
    assert bounds.any_full
    assert bounds.is_full(KEYS[0])
    assert not bounds.is_full(KEYS[1])
    assert recorded("hearback_stream_full", stream=KEYS[0]) == 1
    await bus.ack("g", await _taken(bus))
    await bounds.look()
    assert recorded("hearback_stream_full", stream=KEYS[0]) == 0


async def _taken(bus: RedisStreams) -> list[Incoming]:
    await bus.ensure_group(KEYS, "g")
    return await bus.read(KEYS, "g", "c", count=10, block_ms=10)


async def test_bounds_are_looked_at_again_and_again_also_after_an_outage(redis_proxy, bus):
    async with streams(redis_proxy.url) as far:
        bounds = StreamBounds(far, {KEYS[0]: 1}, interval_seconds=0.01)
        async with beside(bounds.run):
            redis_proxy.refuse()
            await bus.publish([Outgoing(KEYS[0], "t", b"1")])
            redis_proxy.heal()
            await eventually(lambda: bounds.is_full(KEYS[0]))
