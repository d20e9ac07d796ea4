"""Many requests, one transaction: grouping, atomicity, and what is known when it fails."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from hearback_devkit.testing import FaultProxy, eventually, recorded
from hearback_kit.bus import Outgoing
from hearback_kit.bus.group_commit import GroupCommit
from hearback_kit.errors import Unavailable
from hearback_kit.resp import RespConnection, encode_command
from hearback_kit.resp_link import NotSent

KEY = "s:{0}"


def one(data: bytes, key: str = KEY, body: bytes | None = None, traceparent: str | None = None) -> Outgoing:
    return Outgoing(key, "thing", data, body, traceparent)


def total(notes: list[int]) -> list[Outgoing]:
    return [one(b"%d" % sum(notes), "sums:{0}")]


@pytest.fixture
async def wire(redis_url: str) -> AsyncIterator[RespConnection]:
    wire = RespConnection(redis_url)
    yield wire
    wire.close()


@pytest.fixture
async def far(redis_proxy: FaultProxy) -> AsyncIterator[RespConnection]:
    wire = RespConnection(redis_proxy.url, answer_seconds_max=0.5)
    yield wire
    wire.close()


def commits() -> float:
    return recorded("hearback_group_commits_total")


async def stored(redis, key: str = KEY) -> list[bytes]:
    return [fields[b"d"] for _, fields in await redis.xrange(key)]


async def test_concurrent_requests_share_a_transaction(wire, redis):
    group = GroupCommit(wire, total)
    before = commits()
    await asyncio.gather(*(group.commit([one(b"%d" % n)], [1]) for n in range(50)))
    assert commits() - before == 1
    assert await stored(redis) == [b"%d" % n for n in range(50)]
    assert await stored(redis, "sums:{0}") == [b"50"]


async def test_a_message_is_stored_with_all_its_fields(wire, bus):
    group = GroupCommit(wire, total)
    await group.commit([one(b"{}", body=b"\r\n\x00$3\r\n", traceparent="00-t")])
    await bus.ensure_group([KEY], "g")
    [got] = await bus.read([KEY], "g", "c", count=1, block_ms=10)
    assert (got.type, got.version, got.data) == ("thing", "1", b"{}")
    assert (got.body, got.traceparent) == (b"\r\n\x00$3\r\n", "00-t")


async def test_a_transaction_holds_so_many_requests_and_so_many_bytes(wire, redis):
    group = GroupCommit(wire, total, batch_max=10, bytes_max=100)
    before = commits()
    await asyncio.gather(*(group.commit([one(b"%02d" % n)]) for n in range(21)))
    assert commits() - before == 3
    before = commits()
    await asyncio.gather(*(group.commit([one(b"x" * 60)]) for _ in range(3)), group.commit([one(b"y" * 500)]))
    assert commits() - before == 4
    assert len(await stored(redis)) == 25


async def test_frequent_requests_gather(wire, redis):
    group = GroupCommit(wire, total, gather_seconds=60, gather_max=4)
    before = commits()
    for number in range(2):
        await group.commit([one(b"%d" % number)])
    waiting = [asyncio.create_task(group.commit([one(b"%d" % n)], [1])) for n in range(2, 5)]
    for _ in range(10):
        await redis.ping()
    assert commits() - before == 2, "they wait for others"
    await asyncio.gather(*waiting, group.commit([one(b"5")], [1]))
    assert commits() - before == 3, "so many do not wait"
    assert len(await stored(redis)) == 6
    assert await stored(redis, "sums:{0}") == [b"4"]


async def test_one_more_than_may_wait_is_reported_at_once(wire):
    group = GroupCommit(wire, total, requests_max=2)
    waiting = [asyncio.create_task(group.commit([one(b"1")])) for _ in range(3)]
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in results] == [type(None), type(None), NotSent]


async def test_nothing_to_store_needs_no_server(far, redis_proxy):
    redis_proxy.refuse()
    await GroupCommit(far, total).commit([])


async def test_a_cancelled_request_is_published_all_the_same(wire, redis):
    group = GroupCommit(wire, total)
    task = asyncio.create_task(group.commit([one(b"1")]))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await eventually(lambda: _holds(redis, [b"1"]))


async def _holds(redis, wanted: list[bytes]) -> bool:
    return await stored(redis) == wanted


async def test_without_a_connection_it_is_certain_that_nothing_was_sent(far, redis_proxy, redis):
    redis_proxy.refuse()
    with pytest.raises(NotSent):
        await GroupCommit(far, total).commit([one(b"1")])
    redis_proxy.heal()
    assert await stored(redis) == []
    await GroupCommit(far, total).commit([one(b"2")])
    assert await stored(redis) == [b"2"]


@pytest.mark.parametrize("fault", ["hang", "cut"])
async def test_without_an_answer_nothing_is_certain(far, redis_proxy, fault):
    group = GroupCommit(far, total)
    await group.commit([one(b"1")])
    redis_proxy.hang()
    results = asyncio.gather(*(group.commit([one(b"%d" % n)]) for n in range(5)), return_exceptions=True)
    await asyncio.sleep(0)
    if fault == "cut":
        await eventually(lambda: group._in_flight)  # noqa: SLF001 (sent, and nothing outside shows it)
        redis_proxy.cut()
    for result in await results:
        assert isinstance(result, Unavailable)
        assert not isinstance(result, NotSent)
    redis_proxy.heal()
    await group.commit([one(b"after")])


async def test_a_refused_transaction_stores_nothing_of_it(wire, redis):
    await redis.config_set("maxmemory", 1)
    try:
        results = await asyncio.gather(
            *(GroupCommit(wire, total).commit([one(b"1"), one(b"2")], [1]) for _ in range(3)),
            return_exceptions=True,
        )
    finally:
        await redis.config_set("maxmemory", 0)
    assert [type(result) for result in results] == [NotSent] * 3
    assert await stored(redis) == []


async def test_a_command_that_fails_within_its_transaction_leaves_it_uncertain(wire, redis):
    await redis.set("no-stream:{0}", "x")
    with pytest.raises(Unavailable) as failure:
        await GroupCommit(wire, total).commit([one(b"1"), one(b"2", "no-stream:{0}")])
    assert not isinstance(failure.value, NotSent)


async def test_answers_find_who_asked(wire, redis):
    await redis.set("a", "1")
    await redis.set("b", "2")
    pairs = await asyncio.gather(*(wire.command("GET", "ab"[n % 2]) for n in range(100)))
    assert pairs == [b"12"[n % 2 : n % 2 + 1] for n in range(100)]
    three = [encode_command("GET", "a"), encode_command("GET", "none"), encode_command("GET", "b")]
    assert await wire.send(three, 3) == b"2"


async def test_who_gave_up_does_not_shift_the_answers_of_others(far, redis_proxy, redis):
    await redis.set("a", "1")
    await redis.set("b", "2")
    await far.command("PING")
    redis_proxy.delay(0.05)
    first = asyncio.create_task(far.command("GET", "a"))
    second = asyncio.create_task(far.command("GET", "b"))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == b"2"


async def test_who_waits_for_a_connection_that_is_closed_is_reported(far, redis_proxy):
    redis_proxy.hang()
    waiting = [asyncio.create_task(far.command("PING")) for _ in range(3)]
    await eventually(lambda: far._connecting is not None)  # noqa: SLF001 (nothing outside shows it)
    far.close()
    for result in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(result, NotSent)


async def test_a_server_that_refuses_the_password_is_away(redis_url):
    parts = urlsplit(redis_url)
    wire = RespConnection(f"redis://:wrong@{parts.hostname}:{parts.port}")
    with pytest.raises(NotSent, match="refused"):
        await wire.command("PING")
    wire.close()


async def test_the_database_of_the_url_is_used(redis_url, redis):
    wire = RespConnection(redis_url.rpartition("/")[0] + "/3")
    await wire.command("SET", "here", "3")
    assert await redis.get("here") is None
    wire.close()
