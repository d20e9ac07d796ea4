"""A consumer: reads batches, hands them to one handler, and decides what happens when that fails.

Three kinds of failure have three answers. Something the handler needs is away (`Unavailable`): wait
and try the same batch again, for as long as it takes; nothing is counted against a message. The
batch fails otherwise: its messages are tried one by one. A single message fails: it is tried again
with growing pauses, and after `deliveries_max` becomes a dead letter. Too many dead letters in a minute mean
that the fault is ours and not theirs: then the consumer pauses instead of burying a good stream.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from prometheus_client import Counter, Gauge

from hearback_kit.bus.protocol import Bus, Incoming, Outgoing
from hearback_kit.errors import Unavailable
from hearback_kit.logs import get_logger

Handler = Callable[[Sequence[Incoming]], Awaitable[None]]
OnDead = Callable[[Incoming, str], Sequence[Outgoing]]

HANDLED = Counter("hearback_consumer_messages", "Messages handled and acknowledged.", ["group", "type"])
RETRIED = Counter("hearback_consumer_retries", "Failed deliveries that are tried again.", ["group", "type"])
BURIED = Counter("hearback_consumer_dead_letters", "Messages moved to the dead letters.", ["group", "type"])
PAUSED = Gauge("hearback_consumer_paused", "1 while the consumer waits for something it needs.", ["group"])

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ConsumerOptions:
    """Limits of a consumer. A batch may take a third of `idle_ms_min`, or others would take it over."""

    batch_max: int = 256
    block_ms: int = 500
    idle_ms_min: int = 30_000
    deliveries_max: int = 5
    retry_seconds_first: float = 0.5
    retry_seconds_max: float = 30.0
    retries_waiting_max: int = 10_000
    dead_letters_per_minute_max: int = 100

    @property
    def batch_seconds_max(self) -> float:
        """Time a handler has for a batch."""
        return self.idle_ms_min / 3_000


def _nobody_to_tell(_message: Incoming, _error: str) -> Sequence[Outgoing]:
    return ()


class Consumer:
    """Reads `keys` as `name` in `group` and calls `handle` until told to stop."""

    def __init__(
        self,
        bus: Bus,
        keys: Sequence[str],
        *,
        group: str,
        name: str,
        handle: Handler,
        on_dead: OnDead = _nobody_to_tell,
        options: ConsumerOptions | None = None,
    ) -> None:
        self._bus = bus
        self._keys = list(keys)
        self._group = group
        self._name = name
        self._handle = handle
        self._on_dead = on_dead
        self._options = options or ConsumerOptions()
        self._waiting: list[tuple[float, Incoming]] = []
        self._burials: deque[float] = deque()
        self._claim_at = 0.0
        self._last_beat = time.monotonic()
        self._paused = False

    @property
    def keys(self) -> Sequence[str]:
        """The stream shards this consumer reads."""
        return self._keys

    @property
    def idle_seconds(self) -> float:
        """Seconds since the consumer last went round its loop; grows when it hangs."""
        return time.monotonic() - self._last_beat

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set; the batch in hand is finished first."""
        await self._start(stop)
        while not stop.is_set():
            self._last_beat = time.monotonic()
            try:
                batch = await self._next_batch()
                if batch:
                    await self._process(batch, stop)
                self._pause(False)
            except Unavailable as error:
                self._pause(True)
                _log.warning("consumer_waits", group=self._group, reason=error.detail)
                await _sleep(1.0, stop)

    async def _start(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self._bus.ensure_group(self._keys, self._group)
                while own := await self._bus.read_own(
                    self._keys, self._group, self._name, count=self._options.batch_max
                ):
                    await self._process(own, stop)
                    if stop.is_set() or len(self._waiting) >= self._options.batch_max:
                        return
                return
            except Unavailable:
                self._pause(True)
                await _sleep(0.5, stop)

    def _pause(self, paused: bool) -> None:
        if paused != self._paused:
            self._paused = paused
            PAUSED.labels(self._group).set(int(paused))

    async def _next_batch(self) -> list[Incoming]:
        now = time.monotonic()
        due = [message for at, message in self._waiting if at <= now]
        if due:
            self._waiting = [(at, message) for at, message in self._waiting if at > now]
            await self._retry_singly(due)
        if now >= self._claim_at:
            self._claim_at = now + self._options.idle_ms_min / 2_000
            if self._waiting:
                await self._bus.renew(self._group, self._name, [message for _, message in self._waiting])
            claimed = await self._bus.claim(
                self._keys,
                self._group,
                self._name,
                idle_ms_min=self._options.idle_ms_min,
                count=self._options.batch_max,
            )
            if claimed:
                return claimed
        if len(self._waiting) >= self._options.retries_waiting_max:
            raise Unavailable("too many messages wait to be tried again")
        block_ms = self._options.block_ms if not self._waiting else min(100, self._options.block_ms)
        return await self._bus.read(
            self._keys, self._group, self._name, count=self._options.batch_max, block_ms=block_ms
        )

    async def _process(self, batch: Sequence[Incoming], stop: asyncio.Event) -> None:
        exhausted = [m for m in batch if m.deliveries > self._options.deliveries_max]
        for message in exhausted:
            await self._bury(message, "delivered too often without being finished")
        fresh = [m for m in batch if m.deliveries <= self._options.deliveries_max]
        suspects = [m for m in fresh if m.deliveries > 1]
        healthy = [m for m in fresh if m.deliveries == 1]
        for part in (healthy, suspects):
            if part:
                await self._process_together(part, stop)

    async def _process_together(self, batch: Sequence[Incoming], stop: asyncio.Event) -> None:
        while True:
            try:
                async with asyncio.timeout(self._options.batch_seconds_max):
                    await self._handle(batch)
            except Unavailable as error:
                self._pause(True)
                _log.warning("batch_waits", group=self._group, messages=len(batch), reason=error.detail)
                await _sleep(1.0, stop)
                if stop.is_set():
                    return
                await self._bus.renew(self._group, self._name, batch)
                continue
            except Exception as error:
                _log.warning("batch_failed", group=self._group, messages=len(batch), error=repr(error))
                if len(batch) == 1:
                    await self._failed(batch[0], error)
                else:
                    await self._retry_singly(batch)
                return
            await self._done(batch)
            return

    async def _retry_singly(self, batch: Sequence[Incoming]) -> None:
        for position, message in enumerate(batch):
            try:
                async with asyncio.timeout(self._options.batch_seconds_max):
                    await self._handle([message])
            except Unavailable:
                now = time.monotonic()
                self._waiting += [(now, later) for later in batch[position:]]
                raise
            except Exception as error:
                await self._failed(message, error)
            else:
                await self._done([message])

    async def _done(self, batch: Sequence[Incoming]) -> None:
        await self._bus.ack(self._group, batch)
        for message in batch:
            HANDLED.labels(self._group, message.type).inc()

    async def _failed(self, message: Incoming, error: Exception) -> None:
        options = self._options
        if message.deliveries >= options.deliveries_max:
            _log.error("message_failed", group=self._group, entry=message.entry_id, exc_info=error)
            await self._bury(message, f"{type(error).__name__}: {error}")
            return
        RETRIED.labels(self._group, message.type).inc()
        pause = min(options.retry_seconds_max, options.retry_seconds_first * 2 ** (message.deliveries - 1))
        again = replace(message, deliveries=message.deliveries + 1)
        self._waiting.append((time.monotonic() + pause, again))
        await self._bus.renew(self._group, self._name, [again])

    async def _bury(self, message: Incoming, error: str) -> None:
        now = time.monotonic()
        while self._burials and self._burials[0] < now - 60:
            self._burials.popleft()
        if len(self._burials) >= self._options.dead_letters_per_minute_max:
            self._waiting.append((now + 1.0, message))
            raise Unavailable("too many dead letters in a minute: the fault is likely not in the messages")
        await self._bus.bury(self._group, message, error, self._on_dead(message, error))
        self._burials.append(now)
        BURIED.labels(self._group, message.type).inc()


async def _sleep(seconds: float, stop: asyncio.Event) -> None:
    """Wait, but not past `stop`."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
