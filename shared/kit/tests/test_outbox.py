"""The outbox: with the rows or not at all, in order, twice at worst, and never held up by one stream."""

import asyncio
from collections.abc import Sequence

import pytest
from hearback_devkit.testing import beside, eventually, recorded
from hearback_kit.bus import Outgoing
from hearback_kit.bus.messages import SomeAway
from hearback_kit.db import Database
from hearback_kit.errors import Unavailable
from hearback_kit.outbox import Added, Outbox, OutboxRelay, outbox_table
from sqlalchemy import MetaData, func, select

METADATA = MetaData()
TABLE = outbox_table(METADATA)
KEY = "s:{0}"


@pytest.fixture
async def outbox(database: Database) -> Outbox:
    async with database.transaction() as connection:
        await connection.run_sync(METADATA.create_all)
    return Outbox(TABLE)


def message(n: int, key: str = KEY) -> Outgoing:
    return Outgoing(key, "thing", b"%d" % n, b"body", "00-t", "2")


async def add(database: Database, outbox: Outbox, messages: Sequence[Outgoing]) -> Added:
    async with database.transaction() as connection:
        return await outbox.add(connection, messages)


async def left(database: Database) -> int:
    async with database.connection() as connection:
        return await connection.scalar(select(func.count()).select_from(TABLE))


async def stored(redis, key: str = KEY) -> list[int]:
    return [int(fields[b"d"]) for _, fields in await redis.xrange(key)]


async def test_messages_leave_whole_and_in_order(database, outbox, bus, redis):
    await add(database, outbox, [message(n) for n in range(25)])
    relay = OutboxRelay(database, TABLE, bus, batch_max=10)
    assert [await relay.publish_once() for _ in range(4)] == [10, 10, 5, 0]
    assert await stored(redis) == list(range(25))
    [(_, fields)] = await redis.xrange(KEY, count=1)
    assert fields == {b"t": b"thing", b"v": b"2", b"d": b"0", b"b": b"body", b"p": b"00-t"}


async def test_rows_that_are_read_back_are_restored_and_may_be_of_nothing_any_more(database, outbox, bus, redis):
    async def restore(_, messages: Sequence[Outgoing]) -> list[Outgoing | None]:
        return [None if int(one.data) % 2 else one._replace(data=one.data + b"0") for one in messages]

    added = await add(database, outbox, [message(n) for n in range(5)])
    await add(database, outbox, [message(5)])
    relay = OutboxRelay(database, TABLE, bus, restore=restore)
    assert await relay.publish_once() == 6
    assert await left(database) == 0
    assert await stored(redis) == [0, 20, 40], "00 is 0"
    relay.publish(added)
    async with beside(relay.run):
        await eventually(lambda: _has_come(redis, [0, 20, 40, 0, 1, 2, 3, 4]))


async def _has_come(redis, numbers: Sequence[int]) -> bool:
    return await stored(redis) == numbers


async def add_and_fail(database: Database, outbox: Outbox) -> None:
    async with database.transaction() as connection:
        await outbox.add(connection, [message(1)])
        raise ZeroDivisionError


async def test_what_is_rolled_back_is_never_reported(database, outbox, bus, redis):
    with pytest.raises(ZeroDivisionError):
        await add_and_fail(database, outbox)
    assert await OutboxRelay(database, TABLE, bus).publish_once() == 0
    assert await stored(redis) == []


class Killed(BaseException):
    """The end of the process."""


class DiesAfterPublishing:
    """A bus whose process ends between the publishing and the commit of the deletion."""

    def __init__(self, bus) -> None:
        self._bus = bus

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        await self._bus.publish(messages)
        raise Killed


async def test_a_kill_between_publishing_and_deleting_publishes_twice(database, outbox, bus, redis):
    await add(database, outbox, [message(1)])
    with pytest.raises(Killed):
        await OutboxRelay(database, TABLE, DiesAfterPublishing(bus)).publish_once()
    assert await left(database) == 1
    assert await OutboxRelay(database, TABLE, bus).publish_once() == 1
    assert await stored(redis) == [1, 1]
    assert await left(database) == 0


async def test_a_stream_that_refuses_holds_up_no_other(database, outbox, bus, redis):
    await redis.set("refuses:{0}", "not a stream")
    await add(database, outbox, [message(n, key) for n in range(5) for key in ("refuses:{0}", KEY)])
    relay = OutboxRelay(database, TABLE, bus, batch_max=4, poll_seconds=0.01, behind_seconds=0.01)
    async with beside(relay.run):
        await eventually(lambda: _is(left(database), 5))
        await add(database, outbox, [message(n) for n in range(5, 10)])
        await eventually(lambda: _is(left(database), 5))
        await redis.delete("refuses:{0}")
        await eventually(lambda: _is(left(database), 0))
    assert await stored(redis, "refuses:{0}") == list(range(5))
    came = await stored(redis)
    assert set(came) == set(range(10))
    assert came[-5:] == list(range(5, 10)), "what came after the refusal was found is published once"


async def _is(found, wanted) -> bool:
    return await found == wanted


async def test_of_several_relays_one_publishes(database, outbox, bus, redis):
    await add(database, outbox, [message(n) for n in range(50)])
    relays = [OutboxRelay(database, TABLE, bus, batch_max=5) for _ in range(3)]
    while await left(database):
        await asyncio.gather(*(relay.publish_once() for relay in relays))
    assert await stored(redis) == list(range(50))


class Away:
    """A bus without a server."""

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        raise Unavailable


async def test_what_waits_is_measured(database, outbox, bus):
    await add(database, outbox, [message(n) for n in range(7)])
    for server, waiting in ((Away(), 7), (bus, 0)):
        async with beside(OutboxRelay(database, TABLE, server, behind_seconds=0.05).run):
            await eventually(lambda waiting=waiting: recorded("hearback_outbox_waiting") == waiting)


async def test_with_the_server_away_everything_stays(database, outbox):
    await add(database, outbox, [message(1)])
    with pytest.raises(Unavailable):
        await OutboxRelay(database, TABLE, Away()).publish_once()
    assert await left(database) == 1


class Once:
    """A bus whose server is away the first time, after it has taken what was sent or before."""

    def __init__(self, bus, *, takes: bool) -> None:
        self._bus = bus
        self._takes = takes
        self.is_away = True

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        if not self.is_away or self._takes:
            await self._bus.publish(messages)
        if self.is_away:
            self.is_away = False
            raise Unavailable


async def test_what_committed_here_is_published_from_memory_and_deleted_together(database, outbox, bus, redis):
    relay = OutboxRelay(database, TABLE, bus, poll_seconds=3_600, behind_seconds=3_600, delete_seconds=0.3)
    async with beside(relay.run):
        for n in range(10):
            relay.publish(await add(database, outbox, [message(2 * n), message(2 * n + 1, "other:{0}")]))
        await eventually(lambda: _is(stored(redis), list(range(0, 20, 2))))
        await eventually(lambda: _is(left(database), 0))
    assert await stored(redis, "other:{0}") == list(range(1, 20, 2))
    [(_, fields)] = await redis.xrange(KEY, count=1)
    assert fields == {b"t": b"thing", b"v": b"2", b"d": b"0", b"b": b"body", b"p": b"00-t"}


async def test_what_is_in_another_process_memory_is_not_published_twice(database, outbox, bus, redis):
    ours = OutboxRelay(database, TABLE, bus, poll_seconds=0.02, behind_seconds=5, delete_seconds=0.2)
    other = OutboxRelay(database, TABLE, bus, poll_seconds=0.02, behind_seconds=5, delete_seconds=0.2)
    async with beside(ours.run), beside(other.run):
        for n in range(60):
            ours.publish(await add(database, outbox, [message(n)]))
            await eventually(lambda wanted=n + 1: _is(redis.xlen(KEY), wanted))
        await eventually(lambda: _is(left(database), 0))
    assert await stored(redis) == list(range(60))


async def test_a_kill_after_the_commit_loses_nothing(database, outbox, bus, redis):
    await add(database, outbox, [message(n) for n in range(3)])  # and the process ends before it publishes
    async with beside(OutboxRelay(database, TABLE, bus, behind_seconds=0.1).run):
        await eventually(lambda: _is(left(database), 0))
    assert await stored(redis) == [0, 1, 2]


async def test_a_kill_before_the_deletion_publishes_twice(database, outbox, bus, redis):
    relay = OutboxRelay(database, TABLE, DiesAfterPublishing(bus))
    task = asyncio.create_task(relay.run(asyncio.Event()))
    relay.publish(await add(database, outbox, [message(1)]))
    with pytest.raises(Killed):
        await task
    assert await left(database) == 1
    async with beside(OutboxRelay(database, TABLE, bus, behind_seconds=0.1).run):
        await eventually(lambda: _is(left(database), 0))
    assert await stored(redis) == [1, 1]


@pytest.mark.parametrize("takes", [True, False])
async def test_what_could_not_be_published_is_read_back(database, outbox, bus, redis, takes):
    relay = OutboxRelay(database, TABLE, Once(bus, takes=takes), behind_seconds=0.1)
    async with beside(relay.run):
        for n in range(3):
            relay.publish(await add(database, outbox, [message(n)]))
        await eventually(lambda: _is(left(database), 0))
    came = await stored(redis)
    assert set(came) == {0, 1, 2}
    assert takes or len(came) == 3


async def test_what_finds_no_room_in_memory_is_read_back(database, outbox, bus, redis):
    relay = OutboxRelay(database, TABLE, bus, behind_seconds=0.1, memory_max=4)
    added = [await add(database, outbox, [message(n)]) for n in range(10)]
    async with beside(relay.run):
        for one in added:
            relay.publish(one)
        await eventually(lambda: _is(left(database), 0))
    assert sorted(await stored(redis)) == list(range(10))


async def test_a_refused_key_in_memory_holds_up_no_other(database, outbox, bus, redis):
    await redis.set("refuses:{0}", "not a stream")
    relay = OutboxRelay(database, TABLE, bus, behind_seconds=0.1)
    async with beside(relay.run):
        for n in range(5):
            relay.publish(await add(database, outbox, [message(n, key) for key in ("refuses:{0}", KEY)]))
        await eventually(lambda: _is(left(database), 5))
        await redis.delete("refuses:{0}")
        await eventually(lambda: _is(left(database), 0))
    assert await stored(redis, "refuses:{0}") == list(range(5))
    assert set(await stored(redis)) == set(range(5))


class HalfAway:
    """A bus on a cluster; the node of one stream is away."""

    def __init__(self, bus, away: str) -> None:
        self._bus = bus
        self.away = away

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        here = [one for one in messages if one.key != self.away]
        await self._bus.publish(here)
        if len(here) < len(messages):
            raise SomeAway([self.away])


async def test_a_node_that_is_away_holds_up_no_other(database, outbox, bus, redis):
    half = HalfAway(bus, "away:{1}")
    await add(database, outbox, [message(9, half.away)])
    relay = OutboxRelay(database, TABLE, half, behind_seconds=0.1)
    async with beside(relay.run):
        for n in range(5):
            relay.publish(await add(database, outbox, [message(n, key) for key in (half.away, KEY)]))
        await eventually(lambda: _is(left(database), 6))
        half.away = ""
        await eventually(lambda: _is(left(database), 0))
    assert await stored(redis) == list(range(5))
    assert sorted(await stored(redis, "away:{1}")) == [0, 1, 2, 3, 4, 9]


async def test_a_stop_publishes_what_committed(database, outbox, bus, redis):
    relay = OutboxRelay(database, TABLE, bus, delete_seconds=3_600)
    async with beside(relay.run):
        relay.publish(await add(database, outbox, [message(1)]))
    assert await stored(redis) == [1]
    assert await left(database) == 0
