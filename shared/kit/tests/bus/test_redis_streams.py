"""What the streams do, on a server and on a cluster alike."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from hearback_kit.bus import RedisStreams
from hearback_kit.bus.messages import Incoming, Outgoing
from hearback_kit.valkey import connect

KEYS = ["s:{0}", "s:{1}"]
GROUP = "readers"


def message(number: int, key: str = KEYS[0]) -> Outgoing:
    return Outgoing(key, "thing.happened", b"%d" % number)


@pytest.fixture(params=["server", "cluster"])
async def bus(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[RedisStreams]:
    """Yield a bus on a server, and one on a cluster."""
    url = request.getfixturevalue("session_valkey_cluster").url if request.param == "cluster" else redis_url
    client = connect(url)
    await client.flushall()
    await client.aclose()
    bus = RedisStreams.open(url)
    yield bus
    await bus.close()


@pytest.fixture
async def ready(bus: RedisStreams) -> RedisStreams:
    await bus.ensure_group(KEYS, GROUP)
    return bus


async def read(bus: RedisStreams, count: int = 100, consumer: str = "a", block_ms: int = 10) -> list[Incoming]:
    return await bus.read(KEYS, GROUP, consumer, count=count, block_ms=block_ms)


async def claim(bus: RedisStreams, consumer: str, idle_ms_min: int = 0, count: int = 100) -> list[Incoming]:
    return await bus.claim(KEYS, GROUP, consumer, idle_ms_min=idle_ms_min, count=count)


def numbers(messages) -> list[int]:
    return [int(one.data) for one in messages]


async def test_a_message_arrives_as_it_was_sent(ready):
    sent = Outgoing(KEYS[0], "thing", b'{"a":1}', b"\x00\r\n\xff", "00-" + "a" * 32 + "-" + "b" * 16 + "-01", "2")
    await ready.publish([sent])
    [got] = await read(ready)
    assert (got.key, got.type, got.version, got.data) == (sent.key, sent.type, sent.version, sent.data)
    assert (got.body, got.traceparent, got.deliveries) == (sent.body, sent.traceparent, 1)


async def test_what_was_not_sent_is_none(ready):
    await ready.publish([message(1)])
    [got] = await read(ready)
    assert (got.body, got.traceparent) == (None, None)


async def test_nothing_is_published_of_nothing(ready):
    await ready.publish([])
    assert await read(ready) == []


async def test_a_shard_keeps_its_order(ready):
    for start in range(0, 30, 10):
        await ready.publish([message(number) for number in range(start, start + 10)])
    assert numbers(await read(ready)) == list(range(30))


async def test_a_read_takes_about_as_many_as_asked(ready):
    await ready.publish([message(number, key) for number in range(50) for key in KEYS])
    first = await read(ready, count=10)
    assert len(first) == 10
    assert {one.key for one in first} == set(KEYS)
    assert len(first) + len(await read(ready, count=1_000)) == 100


async def test_a_read_that_may_not_wait_returns_at_once(ready):
    async with asyncio.timeout(5):
        assert await ready.read(KEYS, GROUP, "a", count=10, block_ms=0) == []


async def test_a_group_made_late_reads_from_the_start(bus):
    await bus.publish([message(1), message(2)])
    await bus.ensure_group(KEYS, GROUP)
    await bus.ensure_group(KEYS, GROUP)
    assert numbers(await read(bus)) == [1, 2]


async def test_a_group_that_vanished_is_made_again(bus):
    await bus.publish([message(1)])
    assert await read(bus) == []
    assert numbers(await read(bus)) == [1]
    assert await bus.claim(["other:{0}"], GROUP, "a", idle_ms_min=0, count=1) == []


async def test_consumers_of_a_group_share_what_comes(ready):
    await ready.publish([message(number) for number in range(20)])
    first, second = await read(ready, 10, "a"), await read(ready, 30, "b")
    assert sorted(numbers(first) + numbers(second)) == list(range(20))
    assert first
    assert second


async def test_waiting_ends_with_the_first_message(ready):
    waiting = asyncio.create_task(read(ready, block_ms=9_000))
    await asyncio.sleep(0)
    await ready.publish([message(1)])
    async with asyncio.timeout(8):
        assert numbers(await waiting) == [1]


async def test_an_acknowledged_message_is_gone_for_good(ready):
    await ready.publish([message(1), message(2, KEYS[1])])
    taken = await read(ready)
    await ready.ack(GROUP, taken)
    await ready.ack(GROUP, taken)
    await ready.ack(GROUP, [])
    assert await ready.read_own(KEYS, GROUP, "a", count=10) == []
    assert await claim(ready, "b") == []
    assert await ready.backlog(KEYS) == dict.fromkeys(KEYS, 0)


async def test_the_backlog_counts_what_is_not_acknowledged(ready):
    await ready.publish([message(1), message(2), message(3, KEYS[1])])
    await read(ready)
    assert await ready.backlog([*KEYS, "none:{0}"]) == {KEYS[0]: 2, KEYS[1]: 1, "none:{0}": 0}


async def test_a_consumer_finds_what_it_left_and_each_time_counts(ready):
    await ready.publish([message(number) for number in range(5)])
    await read(ready)
    for deliveries in (2, 3):
        own = await ready.read_own([KEYS[0]], GROUP, "a", count=10)
        assert numbers(own) == list(range(5))
        assert {one.deliveries for one in own} == {deliveries}
    assert await ready.read_own([KEYS[0]], GROUP, "b", count=10) == []


async def test_what_was_left_comes_in_pages(ready):
    await ready.publish([message(number) for number in range(5)])
    await read(ready)
    first = await ready.read_own([KEYS[0]], GROUP, "a", count=3)
    rest = await ready.read_own([KEYS[0]], GROUP, "a", count=3, after=first[-1].entry_id)
    assert numbers(first + rest) == list(range(5))


async def test_a_dead_consumers_messages_are_taken_over(ready):
    await ready.publish([message(number, key) for number in range(40) for key in KEYS])
    await read(ready, 1_000, "dead")
    found: list[Incoming] = []
    while claimed := await claim(ready, "heir", count=10):
        found += claimed
        await ready.ack(GROUP, claimed)
    assert len(found) == 80
    assert {one.deliveries for one in found} == {2}


async def test_what_is_in_work_is_not_taken_over(ready):
    await ready.publish([message(1)])
    await read(ready)
    assert await claim(ready, "b", idle_ms_min=60_000) == []


async def test_renewing_writes_counts_and_tells_what_is_still_held(ready):
    await ready.publish([message(1), message(2), message(3)])
    one, two, three = await read(ready)
    await ready.ack(GROUP, [three])
    [stolen] = await claim(ready, "b", count=1)
    assert stolen.entry_id == one.entry_id
    kept = await ready.renew(GROUP, "a", [one, Incoming(two.key, two.entry_id, "", "", b"", deliveries=7), three])
    assert [held.entry_id for held in kept] == [two.entry_id]
    [again] = await ready.read_own([KEYS[0]], GROUP, "a", count=10)
    assert again.deliveries == 8
    assert await ready.renew(GROUP, "a", []) == []


async def test_very_many_are_renewed(ready):
    await ready.publish([message(number) for number in range(1_200)])
    taken = await read(ready, 10_000)
    assert len(await ready.renew(GROUP, "a", taken)) == 1_200


async def test_names_that_hold_nothing_are_forgotten(ready):
    await ready.publish([message(1)])
    await read(ready, 1, "holds")
    await read(ready, 1, "idle")
    assert await ready.forget_consumers(KEYS, GROUP, idle_ms_min=3_600_000) == 0
    assert await ready.forget_consumers([KEYS[0]], GROUP, idle_ms_min=0) == 1
    assert len(await ready.read_own(KEYS, GROUP, "holds", count=10)) == 1


async def test_a_dead_letter_has_its_error_and_is_announced(ready):
    await ready.publish([Outgoing(KEYS[0], "thing", b"{}", b"body", "00-trace", "2")])
    [taken] = await read(ready)
    announced = Outgoing("announced:{0}", "burial", b"x")
    await ready.dead_letter(GROUP, taken, "ValueError: no", [announced])
    [letter] = await ready.dead_letters(KEYS[0])
    assert letter.message == taken
    assert (letter.group, letter.error, letter.key) == (GROUP, "ValueError: no", KEYS[0])
    assert letter.buried_at.endswith("+00:00")
    assert await ready.backlog([KEYS[0], "announced:{0}"]) == {KEYS[0]: 0, "announced:{0}": 1}
    assert await ready.read_own(KEYS, GROUP, "a", count=10) == []


async def test_any_error_text_can_be_buried(ready):
    await ready.publish([message(1)])
    [taken] = await read(ready)
    await ready.dead_letter(GROUP, taken, "\ud800" + "x" * 100_000)
    [letter] = await ready.dead_letters(KEYS[0])
    assert len(letter.error) == 4_000


async def test_dead_letters_come_in_pages_and_go_back_once(ready):
    await ready.publish([message(number) for number in range(5)])
    for taken in await read(ready):
        await ready.dead_letter(GROUP, taken, "no")
    first = await ready.dead_letters(KEYS[0], count=3)
    rest = await ready.dead_letters(KEYS[0], after=first[-1].entry_id, count=3)
    assert numbers([letter.message for letter in first + rest]) == list(range(5))
    assert await ready.replay(first) == 3
    assert await ready.replay(first) == 0
    assert sum(await asyncio.gather(*(ready.replay(rest) for _ in range(5)))) == 2
    back = await read(ready)
    assert sorted(numbers(back)) == list(range(5))
    assert {one.deliveries for one in back} == {1}
    assert await ready.dead_letters(KEYS[0]) == []
