"""A consumer: batches, failures, poison, other consumers, stopping."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from hearback_devkit.testing import beside, eventually, recorded
from hearback_kit.bus import Consumer, ConsumerOptions, Incoming, Outgoing, RedisStreams
from hearback_kit.bus.dead_letters import DeadLetterLimit
from hearback_kit.errors import Unavailable
from hearback_kit.telemetry import configure_traces, current_traceparent

KEYS = ["s:{0}", "s:{1}"]
GROUP = "workers"
QUICK = ConsumerOptions(
    block_ms=20,
    idle_ms_min=600,
    deliveries_max=3,
    retry_seconds_first=0.01,
    retry_seconds_max=0.05,
    outage_seconds=0.02,
)


def message(data: bytes, key: str = KEYS[0], traceparent: str | None = None) -> Outgoing:
    return Outgoing(key, "thing", data, traceparent=traceparent)


class Seen:
    """A handler that keeps what it was given; `fail` may raise for a batch."""

    def __init__(self, fail: Callable[[Sequence[Incoming]], None] = lambda _: None) -> None:
        self.batches: list[list[bytes]] = []
        self.attempts: list[list[bytes]] = []
        self.fail = fail

    @property
    def all(self) -> list[bytes]:
        return [data for batch in self.batches for data in batch]

    async def __call__(self, batch: Sequence[Incoming]) -> None:
        self.attempts.append([one.data for one in batch])
        self.fail(batch)
        self.batches.append([one.data for one in batch])


@asynccontextmanager
async def consuming(bus: RedisStreams, handle, name: str = "c", **more) -> AsyncIterator[Consumer]:
    more.setdefault("options", QUICK)
    consumer = Consumer(bus, KEYS, group=GROUP, name=name, handle=handle, **more)
    async with beside(consumer.run):
        yield consumer


async def drained(bus: RedisStreams) -> None:
    async def empty() -> bool:
        return not any((await bus.backlog(KEYS)).values())

    await eventually(empty)


async def letters_of(bus: RedisStreams) -> int:
    return sum([len(await bus.dead_letters(key, count=1_000)) for key in KEYS])


def poison(data: bytes) -> Callable[[Sequence[Incoming]], None]:
    def fail(batch: Sequence[Incoming]) -> None:
        if any(one.data == data for one in batch):
            raise ValueError("poison")

    return fail


async def test_everything_is_handled_once_and_acknowledged(bus):
    await bus.publish([message(b"%d" % n, KEYS[n % 2]) for n in range(500)])
    seen = Seen()
    async with consuming(bus, seen):
        await drained(bus)
    assert sorted(map(int, seen.all)) == list(range(500))
    assert max(map(len, seen.batches)) > 1


async def test_several_consumers_share_the_work(bus):
    first, second = Seen(), Seen()
    options = replace(QUICK, idle_ms_min=60_000)  # neither takes for dead what is only busy
    async with consuming(bus, first, "one", options=options), consuming(bus, second, "two", options=options):
        for n in range(200):
            await bus.publish([message(b"%d" % n, KEYS[n % 2])])
        await drained(bus)
    assert sorted(map(int, first.all + second.all)) == list(range(200))


async def test_under_load_messages_share_batches(bus):
    seen = Seen()
    async with consuming(bus, seen, options=replace(QUICK, gather_ms_max=50)):
        for n in range(400):
            await bus.publish([message(b"%d" % n, KEYS[n % 2])])
            await asyncio.sleep(0)
        await drained(bus)
    assert sorted(map(int, seen.all)) == list(range(400))
    assert len(seen.batches) <= 300, "many messages came with others"


async def test_poison_is_buried_after_its_attempts_and_costs_no_other(bus):
    await bus.publish([message(b"%d" % n) for n in range(20)])
    seen = Seen(poison(b"7"))
    announced = []

    def on_dead(dead: Incoming, error: str) -> Sequence[Outgoing]:
        announced.append((dead.data, error))
        return [Outgoing("announced:{0}", "burial", dead.data)]

    async with consuming(bus, seen, on_dead=on_dead):
        [letter] = await eventually(lambda: bus.dead_letters(KEYS[0]))
        await drained(bus)
    assert sorted(map(int, seen.all)) == [n for n in range(20) if n != 7]
    assert letter.message.data == b"7"
    assert letter.message.deliveries == QUICK.deliveries_max
    assert letter.error == "ValueError: poison"
    assert seen.attempts.count([b"7"]) == QUICK.deliveries_max
    assert announced == [(b"7", "ValueError: poison")]
    assert await bus.backlog(["announced:{0}"]) == {"announced:{0}": 1}


async def test_a_dead_letter_that_cannot_be_announced_is_kept_all_the_same(bus):
    def on_dead(_dead: Incoming, _error: str) -> Sequence[Outgoing]:
        raise KeyError("unreadable")

    await bus.publish([message(b"7")])
    async with consuming(bus, Seen(poison(b"7")), on_dead=on_dead):
        assert await eventually(lambda: bus.dead_letters(KEYS[0]))


@pytest.mark.parametrize("alone", [False, True], ids=["at all", "of single attempts"])
async def test_what_the_handler_needs_being_away_counts_nothing(bus, alone):
    away = True

    def fail(batch: Sequence[Incoming]) -> None:
        if alone and len(batch) > 1:
            raise ValueError("not all together")
        if away:
            raise Unavailable("the database is away")

    seen = Seen(fail)
    await bus.publish([message(b"%d" % n) for n in range(3)])
    async with consuming(bus, seen):
        await eventually(lambda: len(seen.attempts) > QUICK.deliveries_max * 4)
        assert recorded("hearback_consumer_paused", group=GROUP) == 1
        away = False
        await drained(bus)
        await eventually(lambda: recorded("hearback_consumer_paused", group=GROUP) == 0)
    assert sorted(seen.all) == [b"0", b"1", b"2"]
    assert await letters_of(bus) == 0


async def test_too_many_dead_letters_pause_the_consumer(bus):
    def fail(_batch: Sequence[Incoming]) -> None:
        raise ValueError("a bad release")

    await bus.publish([message(b"%d" % n) for n in range(10)])
    options = replace(QUICK, dead_letters_per_minute_max=3, deliveries_max=1)
    async with consuming(bus, Seen(fail), options=options):
        await eventually(lambda: recorded("hearback_consumer_paused", group=GROUP) == 1)
    assert len(await bus.dead_letters(KEYS[0])) == 3
    assert await bus.backlog(KEYS) == {KEYS[0]: 7, KEYS[1]: 0}
    seen = Seen()
    async with consuming(bus, seen):
        await drained(bus)
    assert len(seen.all) == 7


def tenant(one: Incoming) -> bytes:
    return one.data.partition(b":")[0]


def refuse_poison(batch: Sequence[Incoming]) -> None:
    if any(b"poison" in one.data for one in batch):
        raise ValueError("cannot be read")


async def test_one_tenant_never_pauses_the_consumer_beside_others(bus):
    seen = Seen(refuse_poison)
    options = replace(QUICK, dead_letters_per_minute_max=10, retries_waiting_max=100)
    async with consuming(bus, seen, options=options, tenant_of=tenant):
        await bus.publish([message(b"2:fine")])
        await eventually(lambda: seen.all)
        await bus.publish([message(b"1:poison %d" % n) for n in range(400)])
        await eventually(lambda: len(seen.attempts) > 10)
        for n in range(20):
            await bus.publish([message(b"%d:fine" % n)])
            await eventually(lambda n=n: b"%d:fine" % n in seen.all)
            assert not recorded("hearback_consumer_paused", group=GROUP)
        await drained(bus)
    assert await letters_of(bus) == 400


@pytest.mark.parametrize("tenants", [1, 2, 4])
async def test_a_small_fleet_where_nothing_succeeds_pauses_and_goes_on_by_itself(bus, tenants):
    is_mended = False

    def fail(_batch: Sequence[Incoming]) -> None:
        if not is_mended:
            raise ValueError("a bad release")

    seen = Seen(fail)
    options = replace(QUICK, dead_letters_in_a_row_max=5)
    async with consuming(bus, seen, options=options, tenant_of=tenant):
        await bus.publish([message(b"%d:%d" % (n % tenants, n)) for n in range(60)])
        await eventually(lambda: recorded("hearback_consumer_paused", group=GROUP) == 1)
        tried = len(seen.attempts)
        await eventually(lambda: len(seen.attempts) > tried + 20)
        assert recorded("hearback_consumer_paused", group=GROUP) == 1
        assert await letters_of(bus) == 5
        is_mended = True
        await drained(bus)
    assert await letters_of(bus) == 5
    assert len(seen.all) == 55


async def test_a_pause_for_one_tenants_poison_ends_with_the_first_message_of_another(bus):
    """After a start there is nothing yet that speaks for the release."""
    seen = Seen(refuse_poison)
    options = replace(QUICK, dead_letters_in_a_row_max=5, outage_seconds=0.05)
    await bus.publish([message(b"1:poison %d" % n) for n in range(40)])
    async with consuming(bus, seen, options=options, tenant_of=tenant):
        await eventually(lambda: recorded("hearback_consumer_paused", group=GROUP) == 1)
        await bus.publish([message(b"2:fine")])
        await drained(bus)
    assert await letters_of(bus) == 40
    assert seen.all == [b"2:fine"]


def row(limit: DeadLetterLimit, tenants: Sequence[int], at: float = 1.0) -> None:
    for number in tenants:
        limit.count(at, "ValueError", number)


def test_a_row_of_one_tenant_counts_while_no_other_succeeded_within_the_hour():
    limit = DeadLetterLimit.of(replace(QUICK, dead_letters_in_a_row_max=3))
    limit.succeeded(0.0, lambda: 1)
    row(limit, [1, 1])
    assert not limit.is_reached(1.0, "ValueError")
    row(limit, [1])
    assert limit.is_reached(1.0, "ValueError"), "its own success long ago says nothing"
    assert not limit.is_reached(1.0, "KeyError")
    limit.succeeded(2.0, lambda: 2)
    assert not limit.is_reached(2.0, "ValueError")
    row(limit, [1, 1, 1, 1], 3.0)
    assert not limit.is_reached(3.0, "ValueError"), "another's messages were handled"
    limit.succeeded(4.0, lambda: 1)
    limit.succeeded(6.0, lambda: 1)
    row(limit, [1, 1, 1], 7.0)
    assert not limit.is_reached(7.0, "ValueError"), "and that is remembered"
    assert limit.is_reached(3_700.0, "ValueError"), "for an hour"
    limit.succeeded(3_701.0, lambda: 2)
    row(limit, [1, 3, 1], 3_702.0)
    assert limit.is_reached(3_702.0, "ValueError"), "two tenants with one error and no success"
    limit.succeeded(3_703.0, lambda: 1)
    assert not limit.is_reached(3_703.0, "ValueError")


def test_single_dead_letters_far_apart_are_no_row():
    limit = DeadLetterLimit.of(replace(QUICK, dead_letters_in_a_row_max=3))
    for hour in range(1, 10):
        row(limit, [1], hour * 3_601.0)
        assert not limit.is_reached(hour * 3_601.0, "ValueError")
    row(limit, [1, 1], 9 * 3_601.0)
    assert limit.is_reached(9 * 3_601.0 + 86_400, "ValueError"), "it is reached until something succeeds"


async def test_many_tenants_with_one_error_pause_the_consumer(bus):
    await bus.publish([message(b"%d:poison %d" % (n % 5, n)) for n in range(50)])
    options = replace(QUICK, dead_letters_per_minute_max=10, deliveries_max=1)
    async with consuming(bus, Seen(refuse_poison), options=options, tenant_of=tenant):
        await eventually(lambda: recorded("hearback_consumer_paused", group=GROUP) == 1)
    assert 10 <= len(await bus.dead_letters(KEYS[0])) < 50


async def test_what_waits_when_the_fault_is_mended_is_handled_at_once(bus):
    mended = False

    def refuse_until_mended(batch: Sequence[Incoming]) -> None:
        if not mended:
            refuse_poison(batch)

    await bus.publish([message(b"%d:poison %d" % (n % 5, n)) for n in range(50)])
    options = replace(QUICK, dead_letters_per_minute_max=10, deliveries_max=2, outage_seconds=0.05)
    async with consuming(bus, Seen(refuse_until_mended), options=options, tenant_of=tenant):
        await eventually(lambda: recorded("hearback_consumer_paused", group=GROUP) == 1)
        buried = await letters_of(bus)
        mended = True
        await drained(bus)
    assert await letters_of(bus) == buried, "what had failed often is tried once more before it goes"


def test_consumers_that_share_a_limit_reach_it_together():
    """Tenants are spread over the consumers of a stream; each of these two sees three of six."""
    options = replace(QUICK, dead_letters_per_minute_max=100, dead_letter_tenants_min=5)
    limit = DeadLetterLimit.of(replace(options, dead_letters_in_a_row_max=10_000))
    for number in range(600):
        limit.count(1.0, "ValueError", number % 3)
    assert not limit.is_reached(1.0, "ValueError"), "three tenants have three shares of five"
    for number in range(600):
        limit.count(1.0, "ValueError", 3 + number % 3)
    assert limit.is_reached(1.0, "ValueError")
    assert not limit.is_reached(62.0, "ValueError")


async def test_different_errors_do_not_add_up(bus):
    errors = [type(f"Error{n}", (Exception,), {}) for n in range(4)]

    def fail(batch: Sequence[Incoming]) -> None:
        if len(batch) == 1:
            raise errors[int(batch[0].data) % 4]
        raise ValueError

    await bus.publish([message(b"%d" % n) for n in range(16)])
    options = replace(QUICK, dead_letters_per_minute_max=5, deliveries_max=1)
    async with consuming(bus, Seen(fail), options=options):
        await drained(bus)
    assert len(await bus.dead_letters(KEYS[0])) == 16


async def test_too_many_waiting_retries_stop_the_reading(bus):
    def fail(_batch: Sequence[Incoming]) -> None:
        raise ValueError("no")

    seen = Seen(fail)
    retries = {"retries_waiting_max": 4, "retry_seconds_first": 30, "retry_seconds_max": 30}
    options = replace(QUICK, batch_max=2, deliveries_max=50, **retries)
    await bus.publish([message(b"%d" % n) for n in range(20)])
    async with consuming(bus, seen, options=options):
        await eventually(lambda: recorded("hearback_consumer_paused", group=GROUP) == 1)
    assert {data for attempt in seen.attempts for data in attempt} == {b"0", b"1", b"2", b"3"}


async def test_what_an_earlier_process_left_is_taken_up_at_start(bus):
    await bus.ensure_group(KEYS, GROUP)
    await bus.publish([message(b"%d" % n, KEYS[n % 2]) for n in range(10)])
    await bus.read(KEYS, GROUP, "c", count=100, block_ms=10)
    seen = Seen()
    async with consuming(bus, seen, options=replace(QUICK, idle_ms_min=3_600_000)):
        await drained(bus)
    assert sorted(map(int, seen.all)) == list(range(10))


async def test_a_message_that_kills_its_process_is_buried_in_the_end_and_alone(bus):
    def die(batch: Sequence[Incoming]) -> None:
        if any(one.data == b"7" for one in batch):
            raise SystemExit  # as near to SIGKILL as a handler can be: nothing after it runs

    await bus.publish([message(b"%d" % n) for n in range(10)])
    seen = Seen(die)
    for _ in range(3):  # twice with all others, then alone
        consumer = Consumer(bus, KEYS, group=GROUP, name="c", handle=_killed(seen), options=QUICK)
        with pytest.raises(KilledHere):
            await consumer.run(asyncio.Event())
    async with consuming(bus, seen):
        [letter] = await eventually(lambda: bus.dead_letters(KEYS[0]))
        await drained(bus)
    assert letter.message.data == b"7"
    assert sorted(map(int, set(seen.all))) == [n for n in range(10) if n != 7]


class KilledHere(BaseException):
    """Ends the consumer at once, past every `except Exception`."""


def _killed(seen: Seen):
    async def handle(batch: Sequence[Incoming]) -> None:
        try:
            await seen(batch)
        except SystemExit:
            raise KilledHere from None

    return handle


async def test_a_dead_consumers_batch_is_taken_over_by_another(bus):
    await bus.ensure_group(KEYS, GROUP)
    await bus.publish([message(b"%d" % n) for n in range(10)])
    await bus.read(KEYS, GROUP, "dead", count=5, block_ms=10)
    seen = Seen()
    async with consuming(bus, seen, "heir", options=replace(QUICK, idle_ms_min=50)):
        await drained(bus)
    assert sorted(map(int, seen.all)) == list(range(10))


async def test_what_waits_for_its_retry_is_renewed_and_not_taken_over(bus):
    slow, other = [], Seen()

    async def handle(batch: Sequence[Incoming]) -> None:
        slow.append(len(batch))
        if len(slow) == 1:
            raise ValueError("once")

    await bus.publish([message(b"1")])
    waits = replace(QUICK, idle_ms_min=1_500, retry_seconds_first=3.0, retry_seconds_max=3.0)
    async with consuming(bus, handle, "slow", options=waits):
        await eventually(lambda: slow)
        async with consuming(bus, other, "other", options=waits):
            await drained(bus)
    assert other.all == []
    assert slow == [1, 1]


async def test_a_handler_that_hangs_is_ended_and_only_the_slow_one_is_blamed(bus):
    async def handle(batch: Sequence[Incoming]) -> None:
        if any(one.data == b"slow" for one in batch):
            await asyncio.Event().wait()

    options = replace(QUICK, idle_ms_min=300)
    await bus.publish([message(b"slow")])
    async with consuming(bus, handle, options=options):
        for n in range(200):
            await bus.publish([message(b"%d" % n)])
            if await bus.dead_letters(KEYS[0]):
                break

            async def is_one_left() -> bool:
                return (await bus.backlog(KEYS))[KEYS[0]] <= 1

            await eventually(is_one_left)
    [letter] = await bus.dead_letters(KEYS[0])
    assert letter.message.data == b"slow"
    assert letter.error.startswith("TimeoutError")


async def test_stopping_finishes_the_batch_in_hand(bus):
    entered, leave = asyncio.Event(), asyncio.Event()
    done = []

    async def handle(batch: Sequence[Incoming]) -> None:
        entered.set()
        await leave.wait()
        done.extend(batch)

    await bus.publish([message(b"1")])
    stop = asyncio.Event()
    consumer = Consumer(bus, KEYS, group=GROUP, name="c", handle=handle)
    task = asyncio.create_task(consumer.run(stop))
    await entered.wait()
    stop.set()
    assert not task.done()
    leave.set()
    await task
    assert [one.data for one in done] == [b"1"]
    assert await bus.backlog(KEYS) == dict.fromkeys(KEYS, 0)


async def test_a_handler_works_in_the_trace_of_its_messages(bus):
    configure_traces("tests")
    trace, other = "a" * 32, "c" * 32
    traces = []

    async def handle(batch: Sequence[Incoming]) -> None:
        traces.append((len(batch), current_traceparent()))

    await bus.publish([message(b"1", traceparent=f"00-{trace}-{'b' * 16}-01")] * 2)
    async with consuming(bus, handle):
        await drained(bus)
        await bus.publish([message(b"2", traceparent=f"00-{one}-{'b' * 16}-01") for one in (trace, other)])
        await drained(bus)
    assert traces[0][0] == 2
    assert traces[0][1].split("-")[1] == trace
    assert traces[1][0] == 2
    assert traces[1][1].split("-")[1] not in {trace, other}


async def test_a_handler_that_needs_longer_than_it_has_gets_more_time_and_succeeds(bus):
    done = []

    async def handle(batch: Sequence[Incoming]) -> None:
        released = asyncio.Event()
        asyncio.get_running_loop().call_later(0.5, released.set)  # as a new connection on a busy machine takes
        await released.wait()
        done.extend(one.data for one in batch)

    await bus.publish([message(b"1"), message(b"2")])
    async with consuming(bus, handle, options=replace(QUICK, idle_ms_min=300, deliveries_max=10)):
        await drained(bus)
    assert sorted(done) == [b"1", b"2"]
