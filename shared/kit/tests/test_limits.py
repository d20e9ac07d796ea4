"""Single limits: windows that end, counters that go by themselves, and open when no answer comes."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit

import pytest
from hearback_devkit.testing import FaultProxy, ManualClock, recorded
from hearback_kit.limits import PREFIX, Limit, LimitBatches
from hearback_kit.resp import RespConnection


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def limits(redis_url: str, redis, clock: ManualClock) -> AsyncIterator[LimitBatches]:
    connection = RespConnection(redis_url)
    yield LimitBatches(connection, clock)
    connection.close()


async def test_the_limit_passes_and_one_more_does_not(limits, clock):
    two = Limit("a", 2, 60)
    assert [await limits.retry_after(two) for _ in range(3)] == [0, 0, 60]
    clock.move(seconds=59)
    assert await limits.retry_after(two) == 1
    clock.move(seconds=1)
    assert await limits.retry_after(two) == 0


async def test_nothing_is_counted_when_any_refuses(limits, redis):
    assert await limits.retry_after(Limit("open", 10, 60), Limit("shut", 0, 60)) == 60
    assert await redis.keys(f"{PREFIX}open*") == []


async def test_a_counter_without_a_limit_only_counts_and_goes_by_itself(limits, redis):
    assert await limits.retry_after(Limit("a", None, 60, quantity=5)) == 0
    [key] = await redis.keys(f"{PREFIX}a*")
    assert await redis.get(key) == b"5"
    assert 60 < await redis.ttl(key) <= 120


async def test_looking_counts_nothing_and_is_refused_when_used_up(limits):
    look = Limit("a", 1, 60, quantity=0)
    assert await limits.retry_after(look) == 0
    await limits.retry_after(Limit("a", 1, 60))
    assert await limits.retry_after(look) == 60


async def test_without_an_answer_everything_passes_and_is_counted(redis_url, clock):
    parts = urlsplit(redis_url)
    async with FaultProxy(parts.hostname, parts.port).run() as proxy:
        far = urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{proxy.port}"))
        connection = RespConnection(far)
        limits = LimitBatches(connection, clock)
        assert await limits.retry_after(Limit("a", 0, 60)) == 60
        before = recorded("hearback_limits_failed_open_total")
        proxy.refuse()
        assert await limits.retry_after(Limit("a", 0, 60), Limit("b", 0, 60)) == 0
        assert recorded("hearback_limits_failed_open_total") == before + 1
        proxy.heal()
        assert await limits.retry_after(Limit("a", 0, 60)) == 60
        connection.close()


async def test_no_limits_need_no_server(limits):
    assert await limits.retry_after() == 0
