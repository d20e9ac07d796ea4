"""More waits than one batch takes: a lone stream fills it, streams share it, helpers handle further ones."""

import asyncio
from collections.abc import Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from hearback_devkit.testing import beside, eventually
from hearback_kit.bus import Consumer, ConsumerOptions, Incoming, Outgoing, RedisStreams
from hearback_kit.bus.backlog import Backlog

from .test_consumer import KEYS, drained

OPTIONS = ConsumerOptions(batch_max=8, block_ms=20)


class Handler:
    """Keeps what it was given; while `goes_on` is not set it does not finish."""

    def __init__(self) -> None:
        self.batches: list[list[bytes]] = []
        self.goes_on = asyncio.Event()
        self.goes_on.set()

    async def __call__(self, batch: Sequence[Incoming]) -> None:
        self.batches.append([one.data for one in batch])
        await self.goes_on.wait()


def numbered(numbers: range, key: str = KEYS[0]) -> list[Outgoing]:
    return [Outgoing(key, "thing", b"%d" % number) for number in numbers]


def values(*handlers: Handler) -> list[int]:
    return sorted(int(data) for handler in handlers for batch in handler.batches for data in batch)


@asynccontextmanager
async def consuming(bus: RedisStreams, handle: Handler, name: str, options: ConsumerOptions = OPTIONS):
    async with beside(Consumer(bus, KEYS, group="g", name=name, handle=handle, options=options).run):
        try:
            yield
        finally:
            handle.goes_on.set()


async def test_a_lone_stream_fills_batches(bus):
    await bus.publish(numbered(range(20)))
    handler = Handler()
    async with consuming(bus, handler, "one"):
        await drained(bus)
    assert [len(batch) for batch in handler.batches] == [8, 8, 4]
    assert values(handler) == list(range(20))


@pytest.mark.parametrize(("size", "batches"), [(1_000, [10, 10, 10]), (1, [20, 10])])
async def test_a_batch_is_full_of_bytes_or_of_messages(bus: RedisStreams, size: int, batches: list[int]) -> None:
    await bus.publish([Outgoing(KEYS[0], "thing", b"%d" % n, body=b"x" * size) for n in range(30)])
    handler, options = Handler(), replace(OPTIONS, batch_max=20, batch_bytes_max=10_000, read_max=4)
    async with consuming(bus, handler, "one", options):
        await drained(bus)
    assert [len(batch) for batch in handler.batches] == batches
    assert values(handler) == list(range(30))


@pytest.mark.parametrize("idle_ms_min", [0, 60_000], ids=["claimed", "left behind"])
async def test_what_another_process_left_is_read_in_parts(bus: RedisStreams, idle_ms_min: int) -> None:
    await bus.ensure_group(KEYS, "g")
    await bus.publish(numbered(range(30)))
    name = "two" if idle_ms_min == 0 else "one"
    await bus.read(KEYS, "g", name, count=60, block_ms=0)
    handler, options = Handler(), replace(OPTIONS, batch_max=20, read_max=4, idle_ms_min=max(idle_ms_min, 100))
    async with consuming(bus, handler, "one", options):
        await drained(bus)
    assert max(map(len, handler.batches)) == 4
    assert values(handler) == list(range(30))


async def test_a_long_stream_leaves_others_their_part_of_each_batch(bus):
    await bus.publish([*numbered(range(20)), *numbered(range(100, 106), KEYS[1])])
    handler = Handler()
    async with consuming(bus, handler, "one"):
        await drained(bus)
    of_others = [sum(int(data) >= 100 for data in batch) for batch in handler.batches]
    assert of_others == [4, 2, 0, 0]
    assert [len(batch) for batch in handler.batches] == [8, 8, 8, 2]


async def test_a_helper_handles_the_next_batches_while_one_is_in_work(bus):
    first, second = Handler(), Handler()
    first.goes_on.clear()
    await bus.publish(numbered(range(30)))
    shared = replace(OPTIONS, backlog=Backlog())
    async with (
        consuming(bus, second, "helper", replace(shared, is_helper=True)),
        consuming(bus, first, "one", shared),
    ):
        await eventually(lambda: values(first, second) == list(range(30)))
        first.goes_on.set()
        await drained(bus)
    assert len(values(first, second)) == 30
    assert len(first.batches[0]) == 8


async def test_without_a_backlog_a_helper_does_nothing(bus):
    first, second = Handler(), Handler()
    shared = replace(OPTIONS, backlog=Backlog())
    async with (
        consuming(bus, second, "helper", replace(shared, is_helper=True)),
        consuming(bus, first, "one", shared),
    ):
        for start in range(0, 35, 7):
            await bus.publish(numbered(range(start, start + 7)))
            await eventually(lambda until=start + 7: values(first) == list(range(until)))
        await drained(bus)
    assert second.batches == []
