"""Limits asked for by many at once: exact, all or nothing, and open when there is no answer."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from hearback_devkit.testing import ManualClock, recorded
from hearback_kit.limits import PREFIX, Limit, LimitBatches, LimitCheck, Role
from hearback_kit.resp import RespConnection
from redis.asyncio import Redis


class Bench:
    """Batches on a real server, with a clock and a look at the counters."""

    def __init__(self, batches: LimitBatches, clock: ManualClock, redis: Redis) -> None:
        self.batches = batches
        self.clock = clock
        self._redis = redis

    async def used(self) -> dict[str, int]:
        """What was counted, by the limit's name."""
        found = {}
        for key in await self._redis.keys(f"{PREFIX}*"):
            name = key.decode().removeprefix(PREFIX).split(":")[0]
            found[name] = int(await self._redis.get(key))
        return found


@pytest.fixture
async def bench(redis_url: str, redis: Redis) -> AsyncIterator[Bench]:
    clock = ManualClock()
    wire = RespConnection(redis_url)
    yield Bench(LimitBatches(wire, clock), clock, redis)
    wire.close()


def demand(*limits: Limit, role: Role = Role.ALONE) -> LimitCheck:
    return LimitCheck(limits, role)


async def test_exactly_as_many_pass_as_the_limit_says(bench):
    three = demand(Limit("a", 3, 60))
    answers = [await bench.batches.check([three]) for _ in range(5)]
    assert [answer[0] == () for answer in answers] == [True, True, True, False, False]
    assert await bench.used() == {"a": 3}


async def test_exactly_as_many_of_those_who_ask_at_once_pass(bench):
    forty = demand(Limit("a", 40, 60))
    other = demand(Limit("b", 5, 60))
    asked = [bench.batches.check([other if n % 3 == 0 else forty]) for n in range(150)]
    answers = await asyncio.gather(*asked)
    assert sum(answer == [()] for n, answer in enumerate(answers) if n % 3) == 40
    assert sum(answer == [()] for n, answer in enumerate(answers) if n % 3 == 0) == 5
    assert await bench.used() == {"a": 40, "b": 5}


async def test_two_processes_share_a_counter(bench, redis_url):
    wire = RespConnection(redis_url)
    others = LimitBatches(wire, bench.clock)
    limit = demand(Limit("a", 30, 60))
    asked = [(bench.batches if n % 2 else others).check([limit]) for n in range(100)]
    answers = await asyncio.gather(*asked)
    assert answers.count([()]) == 30
    wire.close()


async def test_of_a_demand_all_is_counted_or_nothing(bench):
    both = demand(Limit("wide", 100, 60), Limit("narrow", 1, 60), Limit("counted", None, 60))
    assert await bench.batches.check([both]) == [()]
    ((wide, narrow, counted),) = await bench.batches.check([both])
    assert (wide, counted) == (0, 0)
    assert narrow > 0
    assert await bench.used() == {"wide": 1, "narrow": 1, "counted": 1}


@pytest.mark.parametrize(("quantity", "passes"), [(10, True), (11, False)])
async def test_a_quantity_passes_up_to_the_limit(bench, quantity, passes):
    ((*waits,),) = await bench.batches.check([demand(Limit("bytes", 10, 60, quantity))])
    assert (not waits) is passes
    assert await bench.used() == ({"bytes": quantity} if passes else {})


async def test_a_quantity_of_nothing_looks_only(bench):
    look, take = demand(Limit("a", 1, 60, 0)), demand(Limit("a", 1, 60))
    assert await bench.batches.check([look]) == [()]
    assert await bench.batches.check([take]) == [()]
    assert await bench.batches.check([look]) != [()]
    assert await bench.used() == {"a": 1}


async def test_demands_of_one_caller_are_counted_apart(bench):
    full, free = demand(Limit("full", 1, 60)), demand(Limit("free", 9, 60))
    await bench.batches.check([full])
    refused, passed = await bench.batches.check([full, free])
    assert refused
    assert passed == ()
    assert await bench.used() == {"full": 1, "free": 1}


async def test_a_dependent_falls_with_its_roots_uncounted(bench):
    root, dependent = demand(Limit("root", 1, 60), role=Role.PARENT), demand(Limit("d", 9, 60), role=Role.CHILD)
    assert await bench.batches.check([root, dependent]) == [(), ()]
    _, fallen = await bench.batches.check([root, dependent])
    assert fallen == (0,)
    assert await bench.used() == {"root": 1, "d": 1}


async def test_one_root_is_enough(bench):
    full = demand(Limit("full", 1, 60), role=Role.PARENT)
    free = demand(Limit("free", 9, 60), role=Role.PARENT)
    dependent = demand(Limit("d", 9, 60), role=Role.CHILD)
    await bench.batches.check([full])
    for roots in ([full, free], [free, full]):
        *_, last = await bench.batches.check([*roots, dependent])
        assert last == ()
    assert await bench.used() == {"full": 1, "free": 2, "d": 2}


async def test_roots_of_other_callers_do_not_matter(bench):
    free, full = demand(Limit("free", 99, 60), role=Role.PARENT), demand(Limit("full", 1, 60), role=Role.PARENT)
    dependent = demand(Limit("d", 99, 60), role=Role.CHILD)
    await bench.batches.check([full])
    check = bench.batches.check
    lucky, unlucky = await asyncio.gather(check([free, dependent]), check([full, dependent]))
    assert lucky[1] == ()
    assert unlucky[1] == (0,)


async def test_a_window_ends(bench):
    minute = demand(Limit("a", 1, 60, shift=7))
    bench.clock.move(seconds=60 - (bench.clock.now().timestamp() - 7) % 60 + 20)
    assert await bench.batches.check([minute]) == [()]
    assert await bench.batches.check([minute]) == [(40,)]
    bench.clock.move(seconds=39)
    assert await bench.batches.check([minute]) == [(1,)]
    bench.clock.move(seconds=1)
    assert await bench.batches.check([minute]) == [()]


async def test_counters_go_by_themselves(bench, redis):
    await bench.batches.check([demand(Limit("a", 1, 60), Limit("b", None, 3600))])
    lives = sorted([await redis.ttl(key) for key in await redis.keys(f"{PREFIX}*")])
    assert 60 < lives[0] <= 120
    assert 3600 < lives[1] <= 3660


async def test_a_server_that_forgot_the_script_gets_it_again(bench, redis):
    one = demand(Limit("a", 2, 60))
    assert await bench.batches.check([one]) == [()]
    await redis.script_flush()
    assert await bench.batches.check([one]) == [()]
    assert await bench.batches.check([one]) != [()]


async def test_without_an_answer_everything_passes_and_is_counted():
    wire = RespConnection("redis://127.0.0.1:1/0", answer_seconds_max=0.5)
    batches = LimitBatches(wire, ManualClock())
    before = recorded("hearback_limits_failed_open_total")
    one = demand(Limit("a", 1, 60))
    answers = await asyncio.gather(*(batches.check([one]) for _ in range(3)), batches.check([one, one]))
    assert answers == [[()], [()], [()], [(), ()]]
    assert await batches.retry_after(Limit("a", 0, 60), Limit("b", 0, 60)) == 0
    assert recorded("hearback_limits_failed_open_total") == before + 5
    wire.close()


async def test_an_error_answer_lets_pass(bench, redis):
    limit = Limit("a", 1, 60)
    await redis.set(limit.key(bench.clock.now().timestamp()), "no number")
    assert await bench.batches.check([demand(limit)]) == [()]


async def test_more_callers_than_may_wait_pass(redis_url):
    wire = RespConnection(redis_url)
    batches = LimitBatches(wire, ManualClock(), callers_max=2)
    one = demand(Limit("a", 1, 60))
    answers = await asyncio.gather(*(batches.check([one]) for _ in range(4)))
    assert answers.count([()]) == 3  # one by the limit, two because no answer came
    wire.close()


async def ask_until_leased(bench: Bench, one: LimitCheck, pace: int = 50) -> int:
    """Ask at a busy pace until something is leased; returns how many passed."""
    passed = 0
    while True:
        bench.clock.move(seconds=0.1)
        answers = await asyncio.gather(*(bench.batches.check([one]) for _ in range(pace)))
        passed += answers.count([()])
        if bench.batches.passes(one, bench.clock.now().timestamp()):
            return passed + 1


async def test_a_busy_limit_with_room_lets_pass_without_asking(bench):
    one = demand(Limit("a", 1_000_000, 3_600), Limit("b", None, 3_600))
    passed = await ask_until_leased(bench, one)
    used = await bench.used()
    now = bench.clock.now().timestamp()
    while bench.batches.passes(one, now):
        passed += 1
    assert used == {"a": passed, "b": passed}
    assert await bench.used() == used


async def test_slow_callers_are_counted_one_by_one(bench):
    one = demand(Limit("a", 1_000_000, 3_600))
    for number in range(1, 30):
        bench.clock.move(seconds=0.1)
        assert await bench.batches.check([one]) == [()]
        assert await bench.used() == {"a": number}


async def test_never_more_pass_than_the_limit_and_near_its_end_all_ask(bench, redis_url):
    wire = RespConnection(redis_url)
    others = LimitBatches(wire, bench.clock)
    mine, theirs = demand(Limit("a", 10_000, 36_000)), demand(Limit("a", 10_000, 36_000))
    passed = refused = 0
    while not refused:
        bench.clock.move(seconds=0.01)
        asked = [bench.batches.check([mine]) for _ in range(40)] + [others.check([theirs]) for _ in range(40)]
        answers = await asyncio.gather(*asked)
        passed += answers.count([()])
        refused = len(answers) - answers.count([()])
        now = bench.clock.now().timestamp()
        passed += sum(bench.batches.passes(mine, now) for _ in range(40))
    while bench.batches.passes(mine, now):
        passed += 1
    while others.passes(theirs, now):
        passed += 1
    assert (await bench.used())["a"] == 10_000
    assert passed == 10_000
    wire.close()


@pytest.mark.parametrize("seconds", [1.0, -1.0])
async def test_a_lease_does_not_outlive_its_second(bench, seconds):
    one = demand(Limit("a", 1_000_000, 3_600))
    await ask_until_leased(bench, one)
    bench.clock.move(seconds=seconds)
    assert not bench.batches.passes(one, bench.clock.now().timestamp())


async def test_a_lease_ends_with_its_window(bench):
    one = demand(Limit("a", 1_000_000, 60))
    await ask_until_leased(bench, one)
    now = bench.clock.now().timestamp()
    bench.clock.move(seconds=60 - now % 60 - 0.2)
    await asyncio.gather(*(bench.batches.check([one]) for _ in range(400)))
    await asyncio.gather(*(bench.batches.check([one]) for _ in range(400)))
    assert bench.batches.passes(one, bench.clock.now().timestamp())
    bench.clock.move(seconds=0.3)
    assert not bench.batches.passes(one, bench.clock.now().timestamp())


async def test_a_refused_demand_leases_nothing(bench):
    one = demand(Limit("wide", 1_000_000, 3_600), Limit("narrow", 70, 3_600))
    answers = await asyncio.gather(*(bench.batches.check([one]) for _ in range(200)))
    answers += await asyncio.gather(*(bench.batches.check([one]) for _ in range(200)))
    assert answers.count([()]) == 70
    assert await bench.used() == {"wide": 70, "narrow": 70}
    assert not bench.batches.passes(one, bench.clock.now().timestamp())


async def test_single_limits_are_all_counted_or_none(bench):
    three, one = Limit("address", 3, 60), Limit("project", 1, 60)
    assert await bench.batches.retry_after() == 0
    assert await bench.batches.retry_after(three, one) == 0
    assert await bench.batches.retry_after(three, one) == 60
    assert await bench.used() == {"address": 1, "project": 1}
    assert [await bench.batches.retry_after(three) > 0 for _ in range(4)] == [False, False, True, True]


async def test_single_limits_of_many_are_exact(bench):
    limits = [Limit(f"address:{n % 50}", 2, 60) for n in range(200)]
    waits = await asyncio.gather(*(bench.batches.retry_after(limit) for limit in limits))
    assert sum(wait == 0 for wait in waits) == 100
