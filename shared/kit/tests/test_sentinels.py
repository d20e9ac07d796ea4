"""Every client follows the primary that Sentinels name, and what was acknowledged outlives the primary."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hearback_devkit.engines import SentinelEngine, ValkeyEngine
from hearback_devkit.testing import beside, eventually, eventually_sync
from hearback_kit.bus import Consumer, ConsumerOptions, Incoming, Outgoing, RedisStreams
from hearback_kit.bus.group_commit import GroupCommit
from hearback_kit.errors import Unavailable
from hearback_kit.resp import RespConnection
from hearback_kit.resp_link import NotSent
from hearback_kit.snapshots import SnapshotCache, SnapshotStore
from hearback_kit.valkey import connect
from hearback_kit.valkey_address import read_address
from redis import Redis
from redis.exceptions import ConnectionError, ResponseError

KEY = "s:{0}"
OPTIONS = ConsumerOptions(block_ms=20, outage_seconds=0.02, retry_seconds_first=0.01)


class Group:
    """A primary with replicas and a Sentinel; the address of another one, first in the URL, leads nowhere."""

    def __init__(self, folder: Path, replicas: int) -> None:
        self.primary = ValkeyEngine(folder / "primary")
        self.replicas = [ValkeyEngine(folder / f"replica-{n}", primary=self.primary) for n in range(replicas)]
        self.sentinel = SentinelEngine(folder / "sentinel", self.primary)

    @property
    def url(self) -> str:
        return self.sentinel.url.replace("@", "@127.0.0.1:1,")

    def start(self) -> None:
        for engine in (self.primary, *self.replicas, self.sentinel):
            engine.start()
        eventually_sync(lambda: self.info("sentinel")["master0"].get("slaves") == len(self.replicas))

    def info(self, section: str) -> Any:
        client = Redis(port=self.sentinel.port or 0, password=self.sentinel.password, decode_responses=True)
        with client:
            return client.info(section)

    def fail_over(self) -> bool:
        """Ask for it; False while no replica is known to be good enough."""
        with Redis(port=self.sentinel.port or 0, password=self.sentinel.password) as sentinel:
            try:
                sentinel.execute_command("SENTINEL", "FAILOVER", "hearback")
            except ResponseError:
                return False
        return True

    def stop(self) -> None:
        for engine in (self.sentinel, *self.replicas, self.primary):
            engine.stop()


@pytest.fixture
def group(tmp_path_factory: pytest.TempPathFactory, engine_folder: Path) -> Iterator[Group]:
    made = Group(engine_folder / tmp_path_factory.mktemp("sentinels").name, 2)
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
async def wire(group: Group) -> AsyncIterator[RespConnection]:
    wire = RespConnection(group.url, replicas_min=1)
    yield wire
    wire.close()


def one(number: int) -> Outgoing:
    return Outgoing(KEY, "thing", b"%d" % number)


async def test_what_one_replica_has_outlives_a_kill_of_the_primary_and_every_client_follows(group, wire):
    commits: GroupCommit[int] = GroupCommit(wire, lambda _: [])
    bus = RedisStreams.open(group.url)
    acknowledged: list[int] = []
    handled: set[int] = set()
    stop = asyncio.Event()

    async def handle(batch: Sequence[Incoming]) -> None:
        handled.update(int(message.data) for message in batch)

    async def user() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            try:
                await commits.commit([one(number)])
            except Unavailable:
                continue
            acknowledged.append(number)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(user())
        consumer = Consumer(bus, [KEY], group="g", name="c", handle=handle, options=OPTIONS)
        tasks.create_task(consumer.run(stop))
        await eventually(lambda: len(acknowledged) > 100)
        await asyncio.to_thread(group.primary.kill)
        before = len(acknowledged)
        await eventually(lambda: len(acknowledged) > before + 100, seconds=40)
        await eventually(lambda: set(acknowledged) <= handled, seconds=40)
        stop.set()
    await bus.close()


async def test_a_planned_failover_is_followed_also_by_connections_that_stay_open(group, wire):
    client: Any = connect(group.url)
    waiting = connect(group.url, blocking=True)
    cache = SnapshotCache(client, waiting, lambda _, raw: raw)
    async with beside(cache.follow):
        await wire.command("SET", "a", "1")
        await client.set("b", "1")
        await eventually(group.fail_over)
        new = f"127.0.0.1:{group.primary.port}"
        await eventually(lambda: group.info("sentinel")["master0"]["address"] != new, seconds=30)

        async def both_written() -> bool:
            try:
                await wire.command("SET", "a", "2")
                await client.set("b", "2")
            except Exception:  # of either client, while the old one becomes a replica
                return False
            return (await client.role())[0] == b"master"

        await eventually(both_written, seconds=30)
        await SnapshotStore(client).publish({"one": b"new"})
        assert await cache.load("one") == b"new"
        await SnapshotStore(client).publish({"one": b"newer"})
        await eventually(lambda: cache.peek("one") is None and cache.load("one"))
        assert await cache.load("one") == b"newer"
    await client.aclose()
    await waiting.aclose()


async def test_without_enough_replicas_nothing_is_acknowledged(group, wire):
    commits: GroupCommit[int] = GroupCommit(wire, lambda _: [])
    await eventually(lambda: _is_kept(commits))  # the replicas may still be copying
    for replica in group.replicas:
        await asyncio.to_thread(replica.stop)
    with pytest.raises(Unavailable) as failure:
        await commits.commit([one(3)])
    assert not isinstance(failure.value, NotSent), "the primary has it"
    await wire.command("CONFIG", "SET", "min-replicas-to-write", 1)
    with pytest.raises(NotSent):
        await commits.commit([one(4), one(5)])
    await asyncio.to_thread(group.replicas[0].start)
    await eventually(lambda: _is_kept(commits))


async def _is_kept(commits: "GroupCommit[int]") -> bool:
    try:
        await commits.commit([one(6)])
    except Unavailable:
        return False
    return True


async def test_without_a_sentinel_that_knows_the_primary_the_server_is_away(group):
    for url in (
        group.url.replace("/hearback/", "/other/"),
        group.url.partition("?")[0],
        "redis+sentinel://127.0.0.1:1/hearback",
    ):
        wire, client = RespConnection(url), connect(url)
        with pytest.raises(NotSent, match="Sentinel"):
            await wire.command("PING")
        with pytest.raises(ConnectionError):
            await client.ping()
        await client.aclose()
        wire.close()


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("redis://h/1", "redis://h/1"),
        ("unix:///tmp/x", "unix:///tmp/x"),
        ("redis+sentinel://a,b:2/name", "redis://a/0"),
        ("redis+sentinel://a,[::1]:2/name", "redis://a/0"),
        ("redis+sentinel://u:p@[::1]:2,[::2]/name", "redis://u:p@[::1]:2/0"),
        ("rediss+sentinel://u:p%40@a:1,b:2/name/3?sentinel_password=x", "rediss://u:p%40@a:1/3"),
    ],
)
def test_a_url_is_read(url: str, server: str) -> None:
    found, sentinels = read_address(url)
    assert found == server
    assert (sentinels is not None) is ("sentinel" in url)


@pytest.mark.parametrize("url", ["redis+sentinel://host:26379", "redis+sentinel:///name"])
def test_a_url_of_sentinels_that_names_no_primary_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="names"):
        read_address(url)
