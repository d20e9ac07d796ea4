"""What waits in streams is measured: how much, for how long, and the dead letters."""

import time

from hearback_devkit.testing import recorded
from hearback_kit.bus import Outgoing, RedisStreams
from hearback_kit.bus.depths import StreamDepths

KEYS = ["depth:{0}", "depth:{1}"]


def depth(name: str) -> float:
    return recorded(f"hearback_stream_{name}", stream="depth")


async def test_waiting_oldest_and_dead_letters_are_summed_over_the_shards(bus: RedisStreams) -> None:
    later = time.time() + 100
    depths = StreamDepths(bus, {"depth": KEYS, "other": ["other:{0}"]}, lambda: later)
    await bus.publish([Outgoing(KEYS[0], "t", b"1"), Outgoing(KEYS[1], "t", b"2"), Outgoing(KEYS[1], "t", b"3")])
    await depths.look()
    assert (depth("waiting"), depth("dead_letters")) == (3, 0)
    assert 90 < depth("oldest_seconds") < 110
    await bus.ensure_group(KEYS, "g")
    first, *others = await bus.read(KEYS, "g", "c", count=10, block_ms=10)
    await bus.dead_letter("g", first, "no use")
    await bus.ack("g", others)
    await depths.look()
    assert (depth("waiting"), depth("dead_letters"), depth("oldest_seconds")) == (0, 1, 0)


async def test_a_clock_that_is_behind_makes_no_negative_age(bus: RedisStreams) -> None:
    await bus.publish([Outgoing(KEYS[0], "t", b"1")])
    await StreamDepths(bus, {"depth": KEYS}, lambda: 0.0).look()
    assert depth("oldest_seconds") == 0
