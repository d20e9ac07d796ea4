"""Messages are held until those that follow them have come."""

import asyncio
from collections.abc import Collection
from dataclasses import replace

import pytest
from hearback_devkit.testing import eventually
from hearback_kit.bus import Consumer, Incoming, Outgoing, RedisStreams
from hearback_kit.bus.holding import Holding
from hearback_kit.bus.read_barrier import ReadBarrier
from hypothesis import given
from hypothesis import strategies as st

from .test_consumer import GROUP, KEYS, QUICK, Seen, consuming, drained

LONG = 30.0


def look(message: Incoming) -> tuple[Collection[str], bool]:
    """Read the subjects of a message: its letters. After one that ends with a plus others follow."""
    text = message.data.decode()
    return text.rstrip("+"), text.endswith("+")


def holding(seconds_max: float = LONG, subjects_max: int = 1_000) -> Holding:
    return Holding(look, seconds_max=seconds_max, subjects_max=subjects_max)


def sift(holds: Holding, *texts: str, now: float = 0.0, everything: bool = False) -> list[str]:
    messages = [Incoming(KEYS[0], text, "thing", "1", text.encode()) for text in texts]
    return [one.data.decode() for one in holds.sift(messages, now, everything=everything)]


def test_what_is_followed_waits_for_what_follows_any_of_it():
    holds = holding()
    assert sift(holds, "ab+", "cd+", "b+", "x") == ["x"]
    assert sift(holds, "b") == ["ab+", "b+", "b"]
    assert sift(holds, "a") == ["a"], "it is held no longer"
    assert sift(holds, "d", "c") == ["cd+", "d", "c"]
    assert not holds


def test_at_the_limit_all_is_held_and_past_it_the_oldest_goes():
    holds = holding(subjects_max=4)
    assert sift(holds, "ab+", "cd+") == []
    assert sift(holds, "e+") == ["ab+"]
    assert sift(holds, "vwxyz+") == ["cd+", "e+", "vwxyz+"]
    assert not holds


def test_nothing_is_held_longer_than_it_may_be():
    holds = holding(seconds_max=10)
    assert sift(holds, "a+", now=1) + sift(holds, "b+", now=2) == []
    assert holds.seconds(9) == 2
    assert sift(holds, now=10.9) == []
    assert sift(holds, now=11) == ["a+"]
    assert sift(holds, now=20) == ["b+"]
    assert sift(holding(seconds_max=0), "a+") == ["a+"]


def test_whoever_wants_everything_gets_it():
    holds = holding()
    sift(holds, "a+", "b+")
    assert sift(holds, "c+", "b", everything=True) == ["a+", "b+", "c+", "b"]
    assert not holds


@given(
    st.lists(st.tuples(st.text("abcd", max_size=4), st.booleans(), st.booleans()), max_size=30), st.integers(0, 8)
)
def test_each_message_is_handed_over_once(messages: list[tuple[str, bool, bool]], subjects_max: int) -> None:
    holds, texts, found = holding(subjects_max=subjects_max), [], []
    for number, (subjects, is_followed, everything) in enumerate(messages):
        texts.append(subjects + "+" * is_followed)
        found += sift(holds, texts[-1], now=number, everything=everything)
    found += [one.data.decode() for one in holds.release()]
    assert sorted(found) == sorted(texts)
    assert not sift(holds, now=1e9)


async def test_a_consumer_handles_together_what_belongs_together(bus: RedisStreams) -> None:
    seen = Seen()
    async with consuming(bus, seen, options=replace(QUICK, holding=holding())):
        await _publish(bus, "a+", "x")
        await _handled(seen, "x")
        assert seen.all == [b"x"]
        assert sum((await bus.backlog(KEYS)).values()) == 1, "what is held is not acknowledged"
        await _publish(bus, "a")
        await drained(bus)
    assert seen.batches == [[b"x"], [b"a+", b"a"]]


async def test_readers_have_what_is_held_handled(bus: RedisStreams) -> None:
    seen, barrier = Seen(), ReadBarrier()
    options = replace(QUICK, holding=holding(), gather_ms_max=30_000, barrier=barrier.for_consumer())
    async with consuming(bus, seen, options=options):
        await _publish(bus, "x", "a+")
        await _handled(seen, "x")
        await _publish(bus, "b+")
        await barrier.catch_up()
        assert sorted(seen.all) == [b"a+", b"b+", b"x"]


async def test_what_is_held_is_handled_when_its_time_is_over(bus: RedisStreams) -> None:
    seen = Seen()
    async with consuming(bus, seen, options=replace(QUICK, holding=holding(0.05), gather_ms_max=30_000)):
        await _publish(bus, "a+")
        await drained(bus)
    assert seen.all == [b"a+"]


async def test_what_is_held_is_handled_when_the_program_stops(bus: RedisStreams) -> None:
    seen = Seen()
    async with consuming(bus, seen, options=replace(QUICK, holding=holding())):
        await _publish(bus, "a+", "x")
        await _handled(seen, "x")
    assert seen.all == [b"x", b"a+"]
    assert not any((await bus.backlog(KEYS)).values())


async def test_what_a_killed_process_held_is_delivered_again(bus: RedisStreams) -> None:
    seen, stop = Seen(), asyncio.Event()
    consumer = Consumer(bus, KEYS, group=GROUP, name="c", handle=seen, options=replace(QUICK, holding=holding()))
    running = asyncio.create_task(consumer.run(stop))
    await _publish(bus, "a+", "x")
    await _handled(seen, "x")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert seen.all == [b"x"]
    async with consuming(bus, seen):
        await drained(bus)
    assert sorted(seen.all) == [b"a+", b"x"]


async def _publish(bus: RedisStreams, *texts: str) -> None:
    await bus.publish([Outgoing(KEYS[0], "thing", text.encode()) for text in texts])


async def _handled(seen: Seen, text: str) -> None:
    await eventually(lambda: text.encode() in seen.all)
