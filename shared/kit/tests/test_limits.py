"""Fixed-window limits: exact, all or nothing, and open when nobody answers."""

from urllib.parse import urlsplit, urlunsplit

import pytest
from hearback_devkit.testing import FaultProxy, ManualClock, recorded
from hearback_kit.limits import PREFIX, Limit, WindowLimits, subject_of
from hearback_kit.valkey import connect


async def test_the_limit_passes_and_one_more_does_not(redis):
    clock = ManualClock()
    limits = WindowLimits(redis, clock)
    assert [await limits.check([Limit("a", 2, 60)]) for _ in range(3)] == [[0], [0], [60]]
    clock.move(seconds=59)
    assert await limits.check([Limit("a", 2, 60)]) == [1]
    clock.move(seconds=1)
    assert await limits.check([Limit("a", 2, 60)]) == [0]


@pytest.mark.parametrize(
    ("address", "subject"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:0:1::7", "2001:db8:0:1::/64"),
        ("2001:DB8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:1::/64"),
        ("2001:db8:0:2::7", "2001:db8:0:2::/64"),
        ("unix", "unix"),
        ("", ""),
    ],
)
def test_whom_an_address_stands_for(address, subject):
    assert subject_of(address) == subject


async def test_nothing_is_counted_when_any_rejects(redis):
    limits = WindowLimits(redis, ManualClock())
    assert await limits.check([Limit("open", 10, 60), Limit("shut", 0, 60)]) == [0, 60]
    assert await redis.keys(f"{PREFIX}open*") == []


async def test_the_same_counter_twice_in_a_request_counts_twice(redis):
    limits = WindowLimits(redis, ManualClock())
    assert await limits.check([Limit("a", 1, 60), Limit("a", 1, 60)]) == [0, 60]


async def test_a_counter_without_a_limit_only_counts_and_goes_by_itself(redis):
    limits = WindowLimits(redis, ManualClock())
    assert await limits.check([Limit("a", None, 60, quantity=5)]) == [0]
    [key] = await redis.keys(f"{PREFIX}a*")
    assert await redis.get(key) == b"5"
    assert 60 < await redis.ttl(key) <= 120


async def test_looking_counts_nothing_and_is_refused_when_used_up(redis):
    limits = WindowLimits(redis, ManualClock())
    look = [Limit("a", 1, 60, quantity=0)]
    assert await limits.check(look) == [0]
    await limits.check([Limit("a", 1, 60)])
    assert await limits.check(look) == [60]


async def test_without_an_answer_everything_passes_and_is_counted(redis_url):
    parts = urlsplit(redis_url)
    async with FaultProxy(parts.hostname, parts.port).run() as proxy:
        client = connect(urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{proxy.port}")))
        limits = WindowLimits(client, ManualClock())
        assert await limits.check([Limit("a", 0, 60)]) == [60]
        before = recorded("hearback_limits_failed_open_total")
        proxy.refuse()
        assert await limits.check([Limit("a", 0, 60), Limit("b", 0, 60)]) == [0, 0]
        assert recorded("hearback_limits_failed_open_total") == before + 1
        proxy.heal()
        assert await limits.check([Limit("a", 0, 60)]) == [60]
        await client.aclose()


async def test_no_limits_need_no_server(redis):
    assert await WindowLimits(redis, ManualClock()).check([]) == []
