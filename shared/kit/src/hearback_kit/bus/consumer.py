"""A consumer: reads batches, passes them to a handler, and handles failures.

There are three kinds of failure. If a dependency is unreachable (`Unavailable`), the batch is retried after a
pause, without counting an attempt. If a batch fails otherwise, its messages are retried one by one. If a single
message fails, it is retried with exponential backoff, and becomes a dead letter after `deliveries_max` attempts.

Many dead letters with the same error, from many tenants or without any success in between, indicate a fault of the
service: the consumer then pauses, and tries new messages at intervals until one succeeds. A single tenant's
messages do not cause this while others succeed.

Attempts are counted on the server before they begin, to detect messages that kill the process: those delivered
more than once are tried alone, and only the current one is counted.
"""

import asyncio
import time
from collections import Counter as Counts
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextlib import suppress

from prometheus_client import Counter, Gauge

from hearback_kit.background import Heartbeat
from hearback_kit.bus.dead_letters import DeadLetterLimit, OnDead, TooManyDeadLetters, announcements
from hearback_kit.bus.deliveries import Deliveries
from hearback_kit.bus.handling_time import HandlingTime
from hearback_kit.bus.in_flight import InFlight, Pending, keep_renewing, name_of
from hearback_kit.bus.messages import Incoming
from hearback_kit.bus.options import ConsumerOptions
from hearback_kit.bus.redis_streams import RedisStreams
from hearback_kit.errors import Unavailable
from hearback_kit.logs import get_logger
from hearback_kit.stopping import Stopping
from hearback_kit.telemetry import batch_span

Handler = Callable[[Sequence[Incoming]], Awaitable[None]]
TenantOf = Callable[[Incoming], Hashable]

HANDLED = Counter("hearback_consumer_messages", "Messages handled and acknowledged.", ["group", "type"])
RETRIED = Counter("hearback_consumer_retries", "Failed deliveries that are tried again.", ["group", "type"])
DEAD_LETTERS = Counter("hearback_consumer_dead_letters", "Messages moved to the dead letters.", ["group", "type"])
PAUSED = Gauge("hearback_consumer_paused", "Consumers that wait for something they need.", ["group"])

_log = get_logger(__name__)
_TOGETHER_DELIVERIES_MAX = 2


class Consumer(Heartbeat):
    """Reads `keys` as `name` in `group` and calls `handle` until it is stopped.

    `name` is unique to a running process; it resumes the pending messages of an earlier process of that name.
    `tenant_of` returns a message's tenant; by default each message is its own tenant. Consumers of a stream share
    the limit `dead_letters`, since tenants are distributed over them.
    """

    def __init__(
        self,
        bus: RedisStreams,
        keys: Sequence[str],
        *,
        group: str,
        name: str,
        handle: Handler,
        on_dead: OnDead | None = None,
        tenant_of: TenantOf = name_of,
        options: ConsumerOptions | None = None,
        dead_letters: DeadLetterLimit | None = None,
    ) -> None:
        super().__init__()
        self._bus = bus
        self.keys: Sequence[str] = list(keys)
        """The stream shards this consumer reads."""
        self._group = group
        self._name = name
        self._handle = handle
        self._on_dead = on_dead
        self._tenant_of = tenant_of
        self._options = options = options or ConsumerOptions()
        self._in_flight = InFlight()
        self._dead_letters = dead_letters or DeadLetterLimit.of(options)
        self._deliveries = Deliveries(bus, keys, group, name, options)
        self._paused = False
        self._holds = False  # dead letters back, since there were too many
        self._time = HandlingTime(options)

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set, then finish the current batch."""
        seconds = self._options.batch_seconds_max
        renewing = keep_renewing(self._bus, self._in_flight, self._group, self._name, seconds=seconds)
        keeper = asyncio.create_task(renewing)
        stopping = Stopping(stop)
        started = False
        try:
            while not stopping.is_set():
                self.beat()
                try:
                    if not started:
                        await self._start(stopping)
                        started = True
                    if self._holds:
                        await self._try_new(stopping)
                    await self._turn(stopping)
                    self._holds = False
                    self._pause(False)
                except Unavailable as error:
                    with suppress(Unavailable):
                        await self._acknowledge()
                    self._holds = isinstance(error, TooManyDeadLetters)
                    self._pause(True)
                    _log.warning("consumer_waits", group=self._group, reason=error.detail)
                    await stopping.pause(self._options.outage_seconds)
            await self._finish_held()
            with suppress(Unavailable):
                await self._acknowledge()
        finally:
            self._pause(False)
            stopping.close()
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper

    async def _finish_held(self) -> None:
        """Handle what is held before the program ends; on an error it stays pending."""
        if held := self._deliveries.release():
            self._in_flight.add(held, time.monotonic())
            with suppress(Exception):
                await self._handle_in_time(held)
                self._handled(held)

    async def _start(self, stop: Stopping) -> None:
        """Process pending messages of an earlier process of this name."""
        async for own in self._deliveries.left_behind():
            await self._process(own, stop)
            if stop.is_set():
                return

    def _pause(self, paused: bool) -> None:
        if paused != self._paused:
            self._paused = paused
            PAUSED.labels(self._group).inc(1 if paused else -1)

    async def _turn(self, stop: Stopping) -> None:
        due = self._in_flight.due(time.monotonic())
        retries_max = self._options.retries_per_turn_max  # so that new messages do not wait for all of them
        if due:
            await self._acknowledge()
        await self._one_by_one(due[:retries_max], stop)
        if not stop.is_set():
            await self._process(await self._next(stop, at_once=len(due) > retries_max), stop)

    async def _try_new(self, stop: Stopping) -> None:
        """Try new messages while the consumer is paused; a success ends the pause."""
        if len(self._in_flight) < self._options.retries_waiting_max:
            await self._process(await self._next(stop, at_once=True), stop)

    async def _next(self, stop: Stopping, *, at_once: bool) -> Sequence[Incoming]:
        """Return the next batch, and acknowledge handled messages with the same command."""
        handled = self._in_flight.handled()
        waiting = len(self._in_flight) - len(handled)
        batch = await self._deliveries.next(waiting, stop, handled, at_once=at_once)
        self._in_flight.drop(handled)
        return batch

    async def _acknowledge(self) -> None:
        """Acknowledge handled messages if no read follows."""
        if handled := self._in_flight.handled():
            await self._bus.ack(self._group, handled)
            self._in_flight.drop(handled)

    async def _process(self, batch: Sequence[Incoming], stop: Stopping) -> None:
        """Handle newly delivered messages. On any error, they stay in flight and are retried."""
        new = self._in_flight.unknown_of(batch)
        together = [message for message in new if message.deliveries <= _TOGETHER_DELIVERIES_MAX]
        alone = [
            message._replace(deliveries=message.deliveries - 1)  # this attempt has not begun yet
            for message in new
            if message.deliveries > _TOGETHER_DELIVERIES_MAX
        ]
        self._in_flight.add((*together, *alone), time.monotonic())
        if together:
            await self._process_together(together, stop)
        if alone:
            await self._acknowledge()  # before a message that may kill the process
            await self._bus.renew(self._group, self._name, alone)
            await self._one_by_one(alone, stop)

    async def _process_together(self, batch: Sequence[Incoming], stop: Stopping) -> None:
        while not stop.is_set():
            self.beat()
            try:
                await self._handle_in_time(batch)
            except Unavailable as error:
                self._pause(True)
                _log.warning("batch_waits", group=self._group, messages=len(batch), reason=error.detail)
                await stop.pause(self._options.outage_seconds)
                continue
            except Exception as error:
                _log.warning("batch_failed", group=self._group, messages=len(batch), error=type(error).__name__)
                if len(batch) == 1:
                    await self._failed(batch[0], error)
                else:
                    await self._one_by_one(batch, stop, begun=True)
                return
            self._handled(batch)
            return

    async def _one_by_one(self, messages: Sequence[Incoming], stop: Stopping, *, begun: bool = False) -> None:
        """Try messages one by one. `begun` says that this attempt was already counted."""
        for position, message in enumerate(messages):
            pending = self._in_flight.get(message)
            if stop.is_set():
                return
            self.beat()
            if pending is None:
                continue  # taken over by another consumer meanwhile
            if not begun and message.deliveries >= self._options.deliveries_max:
                await self._dead_letter(message, pending.error)
                continue
            try:
                if begun or await self._begin(pending):
                    await self._try(pending.message)
            except Unavailable:
                if begun:
                    for later in messages[position + 1 :]:
                        self._in_flight.undo_attempt(later, time.monotonic())
                raise

    async def _begin(self, pending: Pending) -> bool:
        """Count an attempt before it begins, since it may kill the process; return False if another claimed it."""
        counted = pending.message._replace(deliveries=pending.message.deliveries + 1)
        if not await self._bus.renew(self._group, self._name, [counted]):
            self._in_flight.drop([counted])
            return False
        pending.message = counted
        return True

    async def _try(self, message: Incoming) -> None:
        try:
            await self._handle_in_time([message])
        except Unavailable:
            self._in_flight.undo_attempt(message, time.monotonic())
            raise
        except Exception as error:
            await self._failed(message, error)
            return
        self._handled([message])
        await self._acknowledge()

    async def _handle_in_time(self, batch: Sequence[Incoming]) -> None:
        with batch_span(f"process {self._group}", [message.traceparent for message in batch]):
            async with asyncio.timeout(self._time.seconds_max):
                await self._handle(batch)

    def _handled(self, batch: Sequence[Incoming]) -> None:
        self._time.worked()
        self._dead_letters.succeeded(time.monotonic(), lambda: self._tenant_of(batch[0]))
        self._in_flight.mark_handled(batch)
        for kind, number in Counts(message.type for message in batch).items():
            HANDLED.labels(self._group, kind).inc(number)

    async def _failed(self, message: Incoming, error: Exception) -> None:
        options = self._options
        if isinstance(error, TimeoutError):
            slow = self._time.timed_out()
            if slow is not None:
                self._in_flight.undo_attempt(message, time.monotonic() + slow)
                raise Unavailable("the handler did not finish in time") from error
        reason = f"{type(error).__name__}: {error}"
        pending = self._in_flight.get(message)
        if pending is None:
            return  # another consumer took it over
        waiting = self._in_flight.mark_failed(pending, self._tenant_of(message))
        if message.deliveries >= options.deliveries_max or waiting > options.retries_per_tenant_max:
            # One traceback per kind and minute is enough; input must not fill the logs.
            traceback = None if self._dead_letters.has_counted(time.monotonic(), type(error).__name__) else error
            _log.error("message_failed", group=self._group, entry=message.entry_id, exc_info=traceback)
            await self._dead_letter(message, reason)
            return
        RETRIED.labels(self._group, message.type).inc()
        wait = min(options.retry_seconds_max, options.retry_seconds_first * 2 ** (message.deliveries - 1))
        pending.due, pending.error = time.monotonic() + wait, reason

    async def _dead_letter(self, message: Incoming, error: str) -> None:
        now = time.monotonic()
        pending = self._in_flight.get(message)
        if pending is None:
            return  # another consumer took it over and will decide
        # If moving it fails, the move is retried.
        pending.message, pending.error, pending.due = message, error, now + self._options.outage_seconds
        kind = error.partition(":")[0]
        if self._dead_letters.is_reached(now, kind):
            # Another attempt will show when the fault is fixed.
            self._in_flight.undo_attempt(message, now + self._options.outage_seconds)
            raise TooManyDeadLetters("too many dead letters: the fault is likely not in the messages")
        await self._bus.dead_letter(self._group, message, error, announcements(self._on_dead, message, error))
        self._in_flight.drop([message])
        self._dead_letters.count(now, kind, self._tenant_of(message))
        DEAD_LETTERS.labels(self._group, message.type).inc()
