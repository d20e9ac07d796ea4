import asyncio

from hearback_kit.bus import Consumer, ConsumerOptions, Incoming, Outgoing, RedisStreams
from hearback_kit.bus.group_commit import GroupCommit
from hearback_kit.bus.wire import Wire
from hearback_kit.snapshots import SnapshotCache, SnapshotStore
from hearback_kit.testing import eventually
from hearback_kit.valkey import connect


async def test_consumer_handles_and_buries(bus: RedisStreams, redis_url: str) -> None:
    keys = ["s:{0}", "s:{1}"]
    wire = Wire(redis_url)
    group: GroupCommit[int] = GroupCommit(wire, lambda notes: [Outgoing("s:{1}", "sum", str(sum(notes)).encode())])
    await asyncio.gather(
        *(group.commit([Outgoing("s:{0}", "one", str(n).encode(), body=b"x\r\n\x00")], [1]) for n in range(50))
    )
    seen: list[Incoming] = []

    async def handle(batch) -> None:
        for m in batch:
            if m.data == b"7":
                raise ValueError("poison")
        seen.extend(batch)

    stop = asyncio.Event()
    consumer = Consumer(
        bus,
        keys,
        group="g",
        name="c",
        handle=handle,
        options=ConsumerOptions(block_ms=50, deliveries_max=3, retry_seconds_first=0.01),
    )
    task = asyncio.create_task(consumer.run(stop))
    await eventually(lambda: len([m for m in seen if m.type == "one"]) == 49)
    letters = await eventually(lambda: bus.dead_letters("s:{0}"))
    assert letters[0].message.data == b"7"
    assert "poison" in letters[0].error
    assert sum(int(m.data) for m in seen if m.type == "sum") == 50
    assert seen[0].body == b"x\r\n\x00"
    await eventually(lambda: asyncio.ensure_future(_empty(bus, keys)))
    stop.set()
    await task
    assert await bus.replay(letters) == 1
    assert await bus.replay(letters) == 0
    wire.close()


async def _empty(bus: RedisStreams, keys: list[str]) -> bool:
    return sum((await bus.backlog(keys)).values()) == 0


async def test_snapshots_follow(redis_url: str) -> None:
    client, waiting = connect(redis_url), connect(redis_url, blocking=True)
    store, cache = SnapshotStore(client), SnapshotCache(client, waiting, lambda _name, raw: raw)
    stop = asyncio.Event()
    task = asyncio.create_task(cache.follow(stop))
    assert await cache.load("a") is None
    await store.publish({"a": b"1"})

    async def is_one() -> bool:
        return await cache.load("a") == b"1"

    await eventually(is_one, seconds=2)
    stop.set()
    await task
    await client.aclose()
    await waiting.aclose()
