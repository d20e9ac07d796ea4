"""Following streams from their end: only while it is wanted, and then nothing is missed."""

import asyncio

import pytest
from hearback_devkit.testing import beside, eventually
from hearback_kit.bus import Outgoing, RedisStreams
from hearback_kit.bus.tail import StreamTail
from hearback_kit.valkey import connect

KEYS = ["tail:{0}", "tail:{1}"]


@pytest.fixture
async def waiting(redis_url: str):
    client = connect(redis_url, blocking=True)
    yield client
    await client.aclose()


async def test_a_tail_reads_only_while_it_is_wanted(bus: RedisStreams, redis, waiting) -> None:
    seen: list[bytes] = []
    wanted = asyncio.Event()
    tail = StreamTail(waiting, KEYS, lambda messages: seen.extend(one.data for one in messages), wanted=wanted)

    async def publish(data: bytes) -> None:
        await bus.publish([Outgoing(key, "t", data) for key in KEYS])

    async def sees(data: bytes) -> bool:
        return seen.count(data) == len(KEYS)

    async def is_reading() -> bool:
        return (await redis.info("clients"))["blocked_clients"] > 0

    async with beside(tail.run):
        await publish(b"before")
        for data in (b"first", b"again"):
            wanted.set()
            await tail.following(5)
            await publish(data)
            await eventually(lambda data=data: sees(data))
            await eventually(is_reading)
            wanted.clear()
            await publish(b"last of it")  # ends the read that waits

            async def has_ended() -> bool:
                return not tail.is_following

            await eventually(has_ended)
            await publish(b"between")
    assert set(seen) == {b"first", b"again", b"last of it"}
