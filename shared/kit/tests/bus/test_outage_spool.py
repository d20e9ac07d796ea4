"""An outage spool on a real server: nothing acknowledged is lost, doubled or put before what came earlier."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hearback_devkit.testing import FaultProxy, eventually, recorded
from hearback_kit.bus import Outgoing, RedisStreams
from hearback_kit.bus.bounds import StreamBounds
from hearback_kit.bus.group_commit import GroupCommit
from hearback_kit.bus.outage_spool import OutageSpool
from hearback_kit.errors import Unavailable
from hearback_kit.resp import RespConnection
from hearback_kit.resp_link import NotSent

KEY, OTHER = "s:{0}", "s:{1}"
MIB = 1024 * 1024


class Spooling:
    """A group commit with a spool, through a proxy."""

    def __init__(self, spool: OutageSpool, group: "GroupCommit[int]", proxy: FaultProxy) -> None:
        self.spool = spool
        self.group = group
        self.proxy = proxy

    async def commit(self, *numbers: int, key: str = KEY, size: int = 0) -> None:
        await self.group.commit([Outgoing(key, "thing", b"%d%s" % (one, b" " * size)) for one in numbers], [1])

    async def outage(self) -> None:
        """Begin an outage that lasts long enough."""
        self.proxy.refuse()
        await self.commit(-1)
        assert self.spool.is_taking

    async def ended(self) -> None:
        """Wait until all is replayed."""
        self.proxy.heal()
        await eventually(lambda: not self.spool.is_taking)


def summarize(notes: list[int]) -> list[Outgoing]:
    return [Outgoing("sums:{0}", "sum", b"%d" % sum(notes))]


@pytest.fixture
def start(redis_proxy: FaultProxy, tmp_path: Path) -> Callable[..., object]:
    @asynccontextmanager
    async def started(
        *,
        bytes_max: int = MIB,
        after_seconds: float = 0.0,
        entries_max: int = 1_000_000,
        folder: str = "spool",
        answer_seconds_max: float = 10.0,
    ) -> AsyncIterator[Spooling]:
        wire = RespConnection(redis_proxy.url, answer_seconds_max=answer_seconds_max)
        bus = RedisStreams.open(redis_proxy.url, answer_seconds_max=0.5)
        bounds = StreamBounds(bus, {KEY: entries_max, OTHER: 1_000_000})
        limits = {"bytes_max": bytes_max, "after_seconds": after_seconds, "interval_seconds": 0.02}
        spool = OutageSpool(wire, bounds, tmp_path / folder, **limits)
        stop = asyncio.Event()
        running = asyncio.create_task(spool.run(stop))
        try:
            yield Spooling(spool, GroupCommit(wire, summarize, spool=spool), redis_proxy)
        finally:
            stop.set()
            await running
            await spool.close()
            wire.close()
            await bus.close()

    return started


async def stored(redis, key: str = KEY) -> list[int]:
    return [int(fields[b"d"]) for _, fields in await redis.xrange(key)]


async def test_an_outage_goes_to_the_disk_and_back_in_order_with_its_notes(start, redis):
    async with start() as spooling:
        await spooling.commit(0)
        await spooling.outage()
        for number in range(1, 40):
            await spooling.commit(number)
        assert recorded("hearback_spool_records") == 40
        assert recorded("hearback_spool_bytes") > 40
        assert recorded("hearback_spool_oldest_seconds") >= 0
        assert recorded("hearback_spool_bytes_max") == MIB
        await spooling.spool.check()
        await spooling.ended()
        await spooling.commit(40)
        assert await stored(redis) == [0, -1, *range(1, 41)]
        assert sum(await stored(redis, "sums:{0}")) == 42
        assert recorded("hearback_spool_records") == 0


async def test_before_the_time_commits_are_refused_and_one_that_succeeds_begins_it_again(start, redis):
    async with start(after_seconds=3_600.0) as spooling:
        spooling.proxy.refuse()
        for _ in range(3):
            with pytest.raises(NotSent):
                await spooling.commit(1)
            with pytest.raises(Unavailable):
                await spooling.spool.check()
        spooling.proxy.heal()
        await spooling.commit(2)
        assert not spooling.spool.is_taking
    assert await stored(redis) == [2]


async def test_commits_without_pause_do_not_keep_the_spool_from_ending(start, redis):
    async with start(bytes_max=64 * MIB) as spooling:
        await spooling.outage()
        numbers = iter(range(1_000_000))
        sent: list[int] = []
        done = asyncio.Event()

        async def user() -> None:
            while not done.is_set():
                number = next(numbers)
                await spooling.commit(number, size=20_000)
                sent.append(number)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(8):
                tasks.create_task(user())
            await eventually(lambda: len(sent) > 400)
            await spooling.ended()
            before = len(sent)
            await eventually(lambda: len(sent) > before + 50)
            done.set()
        assert sorted(await stored(redis)) == [-1, *range(len(sent))]


async def test_commits_made_one_after_the_other_stay_in_order_across_the_end_of_an_outage(start, redis):
    async with start() as spooling:
        await spooling.outage()
        number = 0
        while spooling.spool.is_taking or number < 300:
            number += 1
            await spooling.commit(number)
            if number == 100:
                spooling.proxy.heal()
        assert await stored(redis) == [-1, *range(1, number + 1)]


async def test_without_an_answer_a_commit_goes_to_the_disk_and_may_be_there_twice(start, redis):
    async with start(answer_seconds_max=0.5) as spooling:
        await spooling.commit(0)
        spooling.proxy.hang()
        await spooling.commit(1)
        assert spooling.spool.is_taking
        await spooling.ended()
        found = await stored(redis)
    assert found in ([0, 1], [0, 1, 1])


async def test_a_full_spool_refuses_for_certain_and_says_that_it_is_not_ready(start, redis):
    async with start(bytes_max=2_000) as spooling:
        await spooling.outage()
        with pytest.raises(NotSent):
            await spooling.commit(1, size=2_000)
        with pytest.raises(Unavailable, match="full"):
            await spooling.spool.check()
        await spooling.commit(2)
        await spooling.spool.check()
        await spooling.ended()
        await spooling.commit(3, size=2_000)
    assert await stored(redis) == [-1, 2, 3]


async def test_a_folder_that_is_gone_refuses_and_the_next_one_that_works_is_used(start, redis, tmp_path):
    async with start() as spooling:
        spooling.proxy.refuse()
        (tmp_path / "spool").rename(tmp_path / "away")
        with pytest.raises(NotSent):
            await spooling.commit(1)
        with pytest.raises(Unavailable, match="No such file"):
            await spooling.spool.check()
        (tmp_path / "away").rename(tmp_path / "spool")
        await spooling.commit(2)
        await spooling.ended()
    assert await stored(redis) == [2]


async def test_a_stream_at_its_bound_holds_the_replay_and_no_message_comes_twice(start, redis):
    async with start(entries_max=3, bytes_max=8 * MIB) as spooling:
        await spooling.outage()
        for number in range(8):
            await spooling.commit(number, size=200_000)  # a chunk each
        spooling.proxy.heal()
        for wanted in ([-1, 0, 1], [2, 3, 4], [5, 6, 7]):
            await eventually(lambda wanted=wanted: _is_stored(redis, wanted))
            if 7 not in wanted:
                await eventually(lambda: recorded("hearback_stream_full", stream=KEY))
                assert await stored(redis) == wanted
            await redis.xtrim(KEY, maxlen=0)
        await eventually(lambda: not spooling.spool.is_taking)
    assert await stored(redis) == []


async def _is_stored(redis, wanted: list[int]) -> bool:
    return await stored(redis) == wanted


async def test_the_next_process_replays_what_one_left_before_what_it_takes_itself(start, redis):
    async with start() as spooling:
        await spooling.outage()
        await spooling.commit(1)
    async with start() as spooling:  # the outage lasts
        assert spooling.spool.is_taking
        await spooling.commit(2)
        await spooling.ended()
        await spooling.commit(3)
    assert await stored(redis) == [-1, 1, 2, 3]


async def test_of_two_with_one_folder_the_second_waits_for_it_and_two_folders_are_independent(start, redis):
    async with start() as first, start() as second, start(folder="other") as third:
        await first.outage()
        with pytest.raises(NotSent):
            await second.commit(2)
        await third.commit(3, key=OTHER)
        await first.ended()
        await third.ended()
    assert (await stored(redis), await stored(redis, OTHER)) == ([-1], [3])


async def test_what_the_server_refuses_for_good_is_set_aside_and_all_else_goes_on(start, redis, tmp_path):
    async with start() as spooling:
        await spooling.outage()
        for number in (1, 2):
            await spooling.commit(number)
        await redis.set("sums:{0}", "no stream")
        await spooling.ended()
        await spooling.group.commit([Outgoing(KEY, "thing", b"3")], [])
        assert await stored(redis) == [-1, 1, 2, 3], "once, and the others of their commits too"
        assert recorded("hearback_spool_refused") == 3
        assert recorded("hearback_spool_records") == 0
    [aside] = (tmp_path / "spool").glob("*.refused")
    assert aside.stat().st_mode & 0o777 == 0o600
    await redis.delete("sums:{0}")
    async with start():
        assert recorded("hearback_spool_refused") == 3
    aside.rename(aside.with_suffix(".spool"))  # as the runbook says
    async with start() as spooling:
        await spooling.ended()
        assert recorded("hearback_spool_refused") == 0
    assert await stored(redis, "sums:{0}") == [1, 1, 1]
    assert await stored(redis) == [-1, 1, 2, 3]


async def test_a_name_that_something_else_has_stops_neither_looks_nor_the_replay(start, redis):
    async with start() as spooling:
        await spooling.outage()
        await redis.set(OTHER, "no stream")
        await spooling.commit(1, key=OTHER)
        await spooling.commit(2)
        await spooling.ended()
        assert recorded("hearback_spool_refused") == 1
    assert await stored(redis) == [-1, 2]


async def test_what_may_pass_is_not_set_aside(start, redis):
    async with start() as spooling:
        await spooling.outage()
        await redis.config_set("maxmemory", 1)
        try:
            spooling.proxy.heal()
            with pytest.raises(AssertionError):
                await eventually(lambda: not spooling.spool.is_taking, seconds=0.3)
        finally:
            await redis.config_set("maxmemory", 0)
        await spooling.ended()
        assert recorded("hearback_spool_refused") == 0
    assert await stored(redis) == [-1]


async def test_without_room_for_what_is_refused_the_replay_waits(start, redis, tmp_path):
    async with start() as spooling:
        await spooling.outage()
        await redis.set("sums:{0}", "no stream")
        (tmp_path / "spool" / f"0000000000000002.refused.{os.getpid()}").mkdir()
        spooling.proxy.heal()
        await eventually(lambda: _is_stored(redis, [-1]))
        assert spooling.spool.is_taking
        await redis.delete("sums:{0}")
        await spooling.ended()
    assert set(await stored(redis)) == {-1}
