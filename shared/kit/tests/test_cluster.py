"""Every client works on a cluster, and follows a slot to the node that has it by now."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import hiredis
import pytest
from hearback_devkit.engines import ValkeyCluster
from hearback_devkit.testing import ManualClock, beside, eventually, recorded
from hearback_kit.bus import Consumer, ConsumerOptions, Incoming, Outgoing, RedisStreams
from hearback_kit.bus.bounds import StreamBounds
from hearback_kit.bus.group_commit import GroupCommit, commits_by_shard
from hearback_kit.bus.messages import SomeAway
from hearback_kit.bus.outage_spool import OutageSpool
from hearback_kit.bus.tail import StreamTail
from hearback_kit.bus.transactions import transact
from hearback_kit.bus.xadds import add_all, encode_xadd, run_xadds
from hearback_kit.errors import Unavailable
from hearback_kit.limits import Limit, LimitBatches, LimitCheck, Role
from hearback_kit.resp import encode_command
from hearback_kit.resp_cluster import RespCluster
from hearback_kit.resp_link import NotSent
from hearback_kit.snapshots import SnapshotCache, SnapshotStore
from hearback_kit.valkey import connect
from hearback_kit.valkey_address import read_address, read_cluster

SHARDS = 4
KEYS = [f"s:{{{shard}}}" for shard in range(SHARDS)]
OTHERS = [f"t:{{{shard}}}" for shard in range(SHARDS)]
OPTIONS = ConsumerOptions(block_ms=200, outage_seconds=0.02, retry_seconds_first=0.01)


@pytest.fixture
async def wires(valkey_cluster: ValkeyCluster) -> AsyncIterator[RespCluster]:
    wires = RespCluster(valkey_cluster.url)
    yield wires
    wires.close()


@pytest.fixture
async def bus(valkey_cluster: ValkeyCluster, wires: RespCluster) -> AsyncIterator[RedisStreams]:
    bus = RedisStreams(connect(valkey_cluster.url), wires)
    yield bus
    await bus.close()


async def test_a_slot_moves_while_requests_are_committed_and_read(valkey_cluster, wires, bus):
    commits: Sequence[GroupCommit[int]] = commits_by_shard(
        wires,
        SHARDS,
        lambda wire: GroupCommit(wire, lambda notes: [Outgoing(OTHERS[0], "sum", b"%d" % len(notes))]),
    )
    acknowledged: list[int] = []
    handled: Counter[int] = Counter()
    enough, stop = asyncio.Event(), asyncio.Event()

    async def handle(batch: Sequence[Incoming]) -> None:
        handled.update(int(message.data) for message in batch if message.type == "thing")

    async def user(shard: int) -> None:
        number = shard
        while not enough.is_set():
            number += SHARDS
            notes = [1] if shard == 0 else []
            with suppress(NotSent):  # a busy machine may move the slot for longer than an answer may take
                await commits[shard].commit([Outgoing(KEYS[shard], "thing", b"%d" % number)], notes)
                acknowledged.append(number)

    source = valkey_cluster.primary_of(KEYS[0])
    target = next(node for node in valkey_cluster.nodes[:3] if node is not source)
    async with asyncio.TaskGroup() as tasks:
        consumer = Consumer(bus, [*KEYS, *OTHERS], group="g", name="c", handle=handle, options=OPTIONS)
        tasks.create_task(consumer.run(stop))
        for shard in range(SHARDS):
            tasks.create_task(user(shard))
        await more(acknowledged)
        await asyncio.to_thread(valkey_cluster.begin_move, KEYS[0], target)
        await more(acknowledged)
        moved = await asyncio.to_thread(valkey_cluster.move_keys, KEYS[0], source, target, 1)
        assert moved == 1, "of two streams, so that one is on each node now"
        await more(acknowledged, range(1, SHARDS))
        await asyncio.to_thread(valkey_cluster.move_keys, KEYS[0], source, target)
        await more(acknowledged)
        await asyncio.to_thread(valkey_cluster.end_move, KEYS[0], target)
        await more(acknowledged)
        assert valkey_cluster.primary_of(KEYS[0]) is target
        await asyncio.to_thread(valkey_cluster.begin_move, KEYS[0], source)
        await asyncio.to_thread(valkey_cluster.move_keys, KEYS[0], target, source)
        await asyncio.to_thread(valkey_cluster.end_move, KEYS[0], source)
        enough.set()
        await eventually(lambda: is_empty(bus))
        stop.set()
    assert handled == Counter(acknowledged)


async def is_empty(bus: RedisStreams) -> bool:
    return not any((await bus.backlog([*KEYS, *OTHERS])).values())


async def more(acknowledged: list[int], shards: Sequence[int] = range(SHARDS)) -> None:
    """Wait until so many more of each of these shards are acknowledged."""
    before = Counter(number % SHARDS for number in acknowledged)
    await eventually(
        lambda: all(Counter(number % SHARDS for number in acknowledged)[one] > before[one] + 50 for one in shards),
        seconds=30,
    )


async def test_what_is_for_several_slots_is_appended_to_each(wires, bus):
    assert await add_all(wires, [Outgoing(key, "t", b"%d" % n) for n, key in enumerate(KEYS * 2)]) is None
    assert set((await bus.backlog(KEYS)).values()) == {2}
    commands = [b"".join(encode_xadd(Outgoing(key, "t", b"1"))) for key in KEYS]
    await wires.on(KEYS[1]).command("SET", "no:{1}", "stream")
    refused = b"".join(encode_xadd(Outgoing("no:{1}", "t", b"1")))
    errors = await run_xadds(wires, [*commands, refused], [*KEYS, "no:{1}"])
    assert errors[:SHARDS] == [None] * SHARDS
    assert "WRONGTYPE" in str(errors[SHARDS])


def blocked_reads(cluster: ValkeyCluster) -> int:
    found = [node.ask("INFO", "clients") for node in cluster.nodes[:3]]
    return sum(int(lines.partition("blocked_clients:")[2].split()[0]) for lines in found)


async def test_a_message_wakes_the_read_that_waits_for_another_stream(bus, valkey_cluster):
    await bus.ensure_group(KEYS, "g")
    for key in (KEYS[3], KEYS[0]):
        reading = asyncio.create_task(bus.read(KEYS, "g", "c", count=10, block_ms=20_000))
        await eventually(lambda: blocked_reads(valkey_cluster) == SHARDS)
        await bus.publish([Outgoing(key, "t", b"1")])
        async with asyncio.timeout(5):
            assert [one.key for one in await reading] == [key]


async def test_what_is_announced_in_another_slot_is_announced_too(bus):
    await bus.ensure_group(KEYS, "g")
    await bus.publish([Outgoing(KEYS[0], "t", b"1")])
    [taken] = await bus.read(KEYS, "g", "c", count=1, block_ms=10)
    await bus.dead_letter("g", taken, "no", [Outgoing(KEYS[0], "a", b"2"), Outgoing(KEYS[1], "a", b"3")])
    assert sorted(one.data for one in await bus.read(KEYS, "g", "c", count=9, block_ms=10)) == [b"2", b"3"]
    assert len(await bus.dead_letters(KEYS[0])) == 1


async def test_limits_are_exact_and_those_of_a_tenant_lie_together(wires):
    batches = LimitBatches(wires, ManualClock())
    checks = [
        LimitCheck((Limit(f"wide-{n}", 100, 60), Limit(f"narrow-{n}", 5, 60)), tenant=f"tenant-{n}")
        for n in range(9)
    ]
    answers = await asyncio.gather(*(batches.check([check]) for _ in range(10) for check in checks))
    assert sum(answer == [()] for answer in answers) == 45
    parent = LimitCheck((Limit("p", 1, 60),), Role.PARENT, tenant="x")
    child = LimitCheck((Limit("c", 9, 60),), Role.CHILD, tenant="x")
    assert await batches.check([parent, child]) == [(), ()]
    assert [bool(waits) for waits in await batches.check([parent, child])] == [True, True]
    assert await batches.retry_after(Limit("words:address", 1, 60), Limit("words:account", 1, 60)) == 0
    assert await batches.retry_after(Limit("words:address", 1, 60), Limit("words:account", 1, 60)) > 0


async def test_snapshots_are_published_and_followed(valkey_cluster):
    client, waiting = connect(valkey_cluster.url), connect(valkey_cluster.url, blocking=True)
    store = SnapshotStore(client)
    cache = SnapshotCache(client, waiting, lambda _, raw: raw)
    async with beside(cache.follow):
        names = [f"name-{n}" for n in range(20)]
        await store.publish(dict.fromkeys(names, b"old"))
        assert {await cache.load(name) for name in names} == {b"old"}
        await store.publish({**dict.fromkeys(names, b"new"), "name-0": None})
        await eventually(lambda: all(cache.peek(name, b"unknown") != b"old" for name in names))
        assert set((await cache.current(("name-",))).values()) == {b"new"}
        assert await cache.load("name-0") is None
        assert await store.history() == await store.history()
    await client.aclose()
    await waiting.aclose()


async def test_several_streams_are_followed_from_their_ends(valkey_cluster, bus):
    seen: list[bytes] = []
    waiting = connect(valkey_cluster.url, blocking=True)
    tail = StreamTail(waiting, KEYS, lambda messages: seen.extend(one.data for one in messages))
    await bus.publish([Outgoing(KEYS[0], "t", b"old")])
    async with beside(tail.run):
        await tail.following(5)
        for n, key in enumerate(KEYS * 2):
            await bus.publish([Outgoing(key, "t", b"%d" % n)])
        await eventually(lambda: sorted(seen) == [b"%d" % n for n in range(2 * SHARDS)])
    await waiting.aclose()


class Script:
    """A node that has all slots, and answers commands of a client as a test wants."""

    def __init__(self) -> None:
        self.answers: list[str] = []
        self.commands: list[str] = []
        self.port = self.first_slot = 0

    @asynccontextmanager
    async def run(self) -> AsyncIterator["Script"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        commands = hiredis.Reader()
        while data := await reader.read(65_536):
            commands.feed(data)
            while command := commands.gets():
                writer.write(self._answer(b" ".join(command).decode()).encode())
        writer.close()

    def _answer(self, command: str) -> str:
        if command == "CLUSTER SLOTS":
            return f"*1\r\n*3\r\n:{self.first_slot}\r\n:16383\r\n*2\r\n$0\r\n\r\n:{self.port}\r\n"
        if command in {"PING", "ASKING"}:
            return "+PONG\r\n"
        self.commands.append(command)
        return f"{self.answers.pop(0) if self.answers else '+OK'}\r\n"


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    async with Script().run() as script:
        yield script


async def test_redirections_are_followed_until_a_command_is_run(script):
    wires = RespCluster(f"redis+cluster://127.0.0.1:{script.port}")
    wire = wires.on("a")
    moved = f"-MOVED 15495 :{script.port}"
    script.answers += [moved, f"-ASK 15495 127.0.0.1:{script.port}", "-TRYAGAIN", "-CLUSTERDOWN it is", "+done"]
    assert await wire.command("SET", "a", "1") == b"done"
    assert len(script.commands) == 5
    # In a transaction the redirection comes before what EXEC answers.
    script.answers += ["+OK", moved, "-EXECABORT because", "+OK", "+QUEUED", "*1\r\n:7"]
    assert await transact(wire, [encode_command("XLEN", "a")]) == [7]
    script.answers += ["+OK", "-ERR no such command", "-EXECABORT because"]
    with pytest.raises(Unavailable):
        await transact(wire, [encode_command("XLENGTH", "a")])
    wires.close()


async def test_a_cluster_whose_first_slot_has_no_node_is_there(script):
    script.first_slot = 1
    wires = RespCluster(f"redis+cluster://127.0.0.1:{script.port}")
    await wires.ping()
    assert await wires.on("a").command("SET", "a", "1") == b"OK"
    wires.slots.moved(0, ("127.0.0.1", 1))
    with pytest.raises(NotSent):
        await wires.on("06S").command("SET", "06S", "1")
    wires.close()


async def test_a_slot_that_no_node_has_is_given_up_in_time(script):
    wires = RespCluster(f"redis+cluster://127.0.0.1:{script.port}", answer_seconds_max=0.5)
    script.answers += [f"-MOVED 15495 :{script.port}"] * 100
    with pytest.raises(NotSent, match="MOVED"):
        await wires.on("a").command("GET", "a")
    assert len(script.commands) < 40
    wires.close()


async def test_what_is_full_stays_so_while_its_node_is_away(script):
    wires = RespCluster(f"redis+cluster://127.0.0.1:{script.port}", answer_seconds_max=0.5)
    client = connect(f"redis+cluster://127.0.0.1:{script.port}")
    bounds = StreamBounds(RedisStreams(client, wires), dict.fromkeys(KEYS[:2], 5))
    length = ["+OK", "+QUEUED", "*1\r\n:5"]
    script.answers += length * 2
    await bounds.look()
    assert all(bounds.is_full(key) for key in KEYS[:2])
    script.answers += ["+OK", "+QUEUED", "*1\r\n:4"] + ["+OK", "-CLUSTERDOWN it is", "-EXECABORT"] * 1_000
    with pytest.raises(Unavailable):
        await bounds.look()
    assert [bounds.is_full(key) for key in KEYS[:2]] == [False, True]
    wires.close()
    await client.aclose()


@pytest.fixture
async def halved(valkey_cluster: ValkeyCluster, script: Script) -> AsyncIterator[RespCluster]:
    """Yield a cluster of which the nodes of all shards but the first are away: what has their slots refuses."""
    wires = RespCluster(valkey_cluster.url)
    await wires.ping()
    away = RespCluster(f"redis+cluster://127.0.0.1:{script.port}", answer_seconds_max=0.3)
    script.answers += ["-CLUSTERDOWN it is"] * 100_000
    on = wires.on
    wires.on = lambda key: (on if "{0}" in key else away.on)(key)  # type: ignore[method-assign]
    yield wires
    away.close()
    wires.close()


async def test_what_is_for_a_part_that_is_away_does_not_hold_up_the_rest(halved, valkey_cluster):
    client = connect(valkey_cluster.url)
    bus = RedisStreams(client, halved)
    await bus.ensure_group(KEYS, "g")
    with pytest.raises(SomeAway) as away:
        await bus.publish([Outgoing(key, "t", b"1") for key in KEYS])
    assert away.value.keys == {*KEYS[1:]}
    [taken] = await bus.read(KEYS, "g", "c", count=9, block_ms=10)
    others = [taken._replace(key=key) for key in KEYS[1:]]
    await bus.ack("g", [taken, *others])
    assert await client.xlen(KEYS[0]) == 0
    with pytest.raises(Unavailable):
        await bus.ack("g", others)
    await client.aclose()


async def test_only_what_is_for_a_part_that_is_away_goes_to_the_disk(halved, valkey_cluster, tmp_path):
    client = connect(valkey_cluster.url)
    bounds = StreamBounds(RedisStreams(client, halved), dict.fromkeys(KEYS, 10))
    spool = OutageSpool(halved, bounds, tmp_path, bytes_max=10_000, after_seconds=0)
    assert await spool.add([Outgoing(KEYS[1], "t", b"1")]) is None
    assert await spool.add([Outgoing(KEYS[0], "t", b"2")]) is None
    assert spool.is_taking
    assert recorded("hearback_spool_records") == 1
    assert await client.xlen(KEYS[0]) == 1
    await spool.close()
    await client.aclose()


async def test_a_cluster_without_a_node_that_answers_is_away():
    url = "redis+cluster://127.0.0.1:1,127.0.0.1:2"
    wires, client = RespCluster(url), connect(url)
    bus = RedisStreams(client, wires)
    with pytest.raises(NotSent):
        await add_all(wires, [Outgoing(KEYS[0], "t", b"1")])
    for call in (bus.ping(), bus.backlog(KEYS), bus.dead_letters(KEYS[0])):
        with pytest.raises(Unavailable):
            await call
    await client.aclose()


def test_a_url_names_nodes() -> None:
    cluster = read_cluster("rediss+cluster://u:p%40@a:1,b,[::1]:2")
    assert cluster is not None
    assert cluster.hosts == (("a", 1), ("b", 6379), ("::1", 2))
    assert (cluster.username, cluster.password) == ("u", "p@")
    assert cluster.url_of(("::1", 2)) == "rediss://u:p%40@[::1]:2/0"
    assert read_cluster("redis://a") is read_cluster("redis+sentinel://a/name") is None


@pytest.mark.parametrize("url", ["redis+cluster://", "redis+cluster://a:1/2"])
def test_a_url_of_a_cluster_without_nodes_or_with_a_database_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="nodes"):
        read_cluster(url)
    with pytest.raises(ValueError, match="cluster"):
        read_address(url)
