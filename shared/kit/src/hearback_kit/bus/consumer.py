"""A consumer: reads batches, hands them to one handler, and decides what happens when that fails.

Three kinds of failure have three answers. Something the handler needs is away (`Unavailable`): wait
and try the same batch again, for as long as it takes; nothing is counted against a message. The
batch fails otherwise: its messages are tried one by one. A single message fails: it is tried again
with growing pauses, and after `deliveries_max` becomes a dead letter. Too many dead letters in a minute mean
that the fault is ours and not theirs: then the consumer pauses instead of burying a good stream.

The server counts attempts that were begun, so that a message that kills the process is found: what
came back more than once is tried alone, and only the one in work is counted.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from prometheus_client import Counter, Gauge

from hearback_kit.bus.options import ConsumerOptions
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
_TOGETHER_DELIVERIES_MAX = 2


@dataclass(slots=True)
class _Held:
    """A message taken and not finished; `deliveries` of the message counts the attempts begun."""

    message: Incoming
    due: float
    error: str = "delivered too often without being finished"
    handled: bool = False  # only its acknowledgement is missing


def _nobody_to_tell(_message: Incoming, _error: str) -> Sequence[Outgoing]:
    return ()


class Consumer:
    """Reads `keys` as `name` in `group` and calls `handle` until told to stop.

    `name` belongs to one running process; what a process of the same name left behind is taken up at start.
    """

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
        self._held: dict[tuple[str, str], _Held] = {}
        self._burials: deque[float] = deque()
        self._claim_at = 0.0
        self._forget_at = 0.0
        self._last_beat = time.monotonic()
        self._paused = False
        self._worked_since_timeout = False

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
        keeper = asyncio.create_task(self._keep())
        started = False
        try:
            while not stop.is_set():
                self._last_beat = time.monotonic()
                try:
                    if not started:
                        await self._start(stop)
                        started = True
                    await self._turn(stop)
                    self._pause(False)
                except Unavailable as error:
                    self._pause(True)
                    _log.warning("consumer_waits", group=self._group, reason=error.detail)
                    await _sleep(self._options.outage_seconds, stop)
        finally:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper

    async def _start(self, stop: asyncio.Event) -> None:
        """Take up what an earlier process of this name left, each message once."""
        await self._bus.ensure_group(self._keys, self._group)
        for key in self._keys:
            after: str | None = None
            while not stop.is_set():
                own = await self._bus.read_own(
                    [key], self._group, self._name, count=self._options.batch_max, after=after
                )
                if not own:
                    break
                after = own[-1].entry_id
                await self._process(own, stop)

    def _pause(self, paused: bool) -> None:
        if paused != self._paused:
            self._paused = paused
            PAUSED.labels(self._group).set(int(paused))

    async def _keep(self) -> None:
        """Tell the server again and again what is still in hand, and let go of what others took over."""
        while True:
            await asyncio.sleep(self._options.batch_seconds_max)
            asked = [held.message for held in self._held.values()]
            if not asked:
                continue
            try:
                kept = await self._bus.renew(self._group, self._name, asked)
            except Exception as error:  # what is not renewed may be taken over: that costs a second delivery
                _log.warning("renewal_failed", group=self._group, error=_kind(error))
                continue
            for message in {_name(message) for message in asked} - {_name(message) for message in kept}:
                self._held.pop(message, None)

    async def _turn(self, stop: asyncio.Event) -> None:
        handled = [held.message for held in self._held.values() if held.handled]
        if handled:
            await self._done(handled)
        now = time.monotonic()
        due = [held.message for held in self._held.values() if held.due <= now]
        await self._one_by_one(due, stop)
        if now >= self._forget_at:
            self._forget_at = now + 3_600
            await self._bus.forget_consumers(
                self._keys, self._group, idle_ms_min=self._options.forget_consumers_ms
            )
        batch: list[Incoming] = []
        if now >= self._claim_at:
            batch = await self._claim()
        if not batch and not stop.is_set():
            batch = await self._read()
        await self._process(batch, stop)

    async def _claim(self) -> list[Incoming]:
        options = self._options
        claimed = await self._bus.claim(
            self._keys, self._group, self._name, idle_ms_min=options.idle_ms_min, count=options.batch_max
        )
        if len(claimed) < options.batch_max:  # else there may be more, which is the oldest of all
            self._claim_at = time.monotonic() + options.idle_ms_min / 2_000
        return claimed

    async def _read(self) -> list[Incoming]:
        options = self._options
        if len(self._held) >= options.retries_waiting_max:
            raise Unavailable("too many messages wait to be tried again")
        return await self._bus.read(
            self._keys,
            self._group,
            self._name,
            count=options.batch_max,
            block_ms=min(100, options.block_ms) if self._held else options.block_ms,
        )

    async def _process(self, batch: Sequence[Incoming], stop: asyncio.Event) -> None:
        """Handle what was just delivered. Whatever goes wrong, all of it is held and so tried again."""
        new = [message for message in batch if _name(message) not in self._held]
        together = [message for message in new if message.deliveries <= _TOGETHER_DELIVERIES_MAX]
        alone = [
            replace(message, deliveries=message.deliveries - 1)  # this attempt has not begun yet
            for message in new
            if message.deliveries > _TOGETHER_DELIVERIES_MAX
        ]
        now = time.monotonic()
        for message in (*together, *alone):
            self._held[_name(message)] = _Held(message, now)
        if together:
            await self._process_together(together, stop)
        if alone:
            await self._bus.renew(self._group, self._name, alone)
            await self._one_by_one(alone, stop)

    async def _process_together(self, batch: Sequence[Incoming], stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._last_beat = time.monotonic()
            try:
                async with asyncio.timeout(self._options.batch_seconds_max):
                    await self._handle(batch)
            except Unavailable as error:
                self._pause(True)
                _log.warning("batch_waits", group=self._group, messages=len(batch), reason=error.detail)
                await _sleep(self._options.outage_seconds, stop)
                continue
            except Exception as error:
                _log.warning("batch_failed", group=self._group, messages=len(batch), error=_kind(error))
                if len(batch) == 1:
                    await self._failed(batch[0], error)
                else:
                    await self._one_by_one(batch, stop, begun=True)
                return
            await self._done(batch)
            return

    async def _one_by_one(self, messages: Sequence[Incoming], stop: asyncio.Event, *, begun: bool = False) -> None:
        """Try messages alone. `begun` says that this attempt is counted already."""
        for position, message in enumerate(messages):
            held = self._held.get(_name(message))
            if stop.is_set():
                return
            self._last_beat = time.monotonic()
            if held is None:
                continue  # taken over by another consumer meanwhile
            if not begun and message.deliveries >= self._options.deliveries_max:
                await self._bury(message, held.error)
                continue
            try:
                if begun or await self._begin(held):
                    await self._try(held.message)
            except Unavailable:
                if begun:
                    for later in messages[position + 1 :]:
                        self._uncount(later, 0.0)
                raise

    async def _begin(self, held: _Held) -> bool:
        """Count an attempt before it is made: should it kill the process, the server knows of it.

        False when another consumer has taken the message over.
        """
        counted = replace(held.message, deliveries=held.message.deliveries + 1)
        if not await self._bus.renew(self._group, self._name, [counted]):
            self._held.pop(_name(counted), None)
            return False
        held.message = counted
        return True

    async def _try(self, message: Incoming) -> None:
        try:
            async with asyncio.timeout(self._options.batch_seconds_max):
                await self._handle([message])
        except Unavailable:
            self._uncount(message, 0.0)
            raise
        except Exception as error:
            await self._failed(message, error)
            return
        await self._done([message])

    async def _done(self, batch: Sequence[Incoming]) -> None:
        self._worked_since_timeout = True
        for message in batch:
            held = self._held.get(_name(message))
            if held is not None:
                held.handled = True
        await self._bus.ack(self._group, batch)
        for message in batch:
            self._held.pop(_name(message), None)
            HANDLED.labels(self._group, message.type).inc()

    def _uncount(self, message: Incoming, pause_seconds: float) -> None:
        held = self._held.get(_name(message))
        if held is not None:
            held.message = replace(message, deliveries=message.deliveries - 1)
            held.due = time.monotonic() + pause_seconds

    async def _failed(self, message: Incoming, error: Exception) -> None:
        options = self._options
        if isinstance(error, TimeoutError):
            # One slow message, or everything is slow? Only when others went through since, it is this one.
            alone, self._worked_since_timeout = self._worked_since_timeout, False
            if not alone:
                self._uncount(message, options.retry_seconds_max)
                raise Unavailable("the handler did not finish in time") from error
        told = f"{type(error).__name__}: {error}"
        if message.deliveries >= options.deliveries_max:
            _log.error("message_failed", group=self._group, entry=message.entry_id, exc_info=error)
            await self._bury(message, told)
            return
        RETRIED.labels(self._group, message.type).inc()
        pause = min(options.retry_seconds_max, options.retry_seconds_first * 2 ** (message.deliveries - 1))
        held = self._held.get(_name(message))
        if held is not None:
            held.due, held.error = time.monotonic() + pause, told

    async def _bury(self, message: Incoming, error: str) -> None:
        now = time.monotonic()
        while self._burials and self._burials[0] < now - 60:
            self._burials.popleft()
        held = self._held.get(_name(message))
        if held is None:
            return  # another consumer took it over and will decide
        # Should the burial fail, it is the burial that is tried again.
        held.message, held.error, held.due = message, error, now + self._options.outage_seconds
        if len(self._burials) >= self._options.dead_letters_per_minute_max:
            raise Unavailable("too many dead letters in a minute: the fault is likely not in the messages")
        await self._bus.bury(self._group, message, error, self._announcements(message, error))
        self._held.pop(_name(message), None)
        self._burials.append(now)
        BURIED.labels(self._group, message.type).inc()

    def _announcements(self, message: Incoming, error: str) -> Sequence[Outgoing]:
        try:
            return self._on_dead(message, error)
        except Exception as problem:  # what cannot be read cannot be told of, but must not block the stream
            _log.error("dead_letter_untold", group=self._group, entry=message.entry_id, error=_kind(problem))
            return ()


def _name(message: Incoming) -> tuple[str, str]:
    return message.key, message.entry_id


def _kind(error: Exception) -> str:
    """What may be logged of an error at every failure: its text can hold what people wrote."""
    return type(error).__name__


async def _sleep(seconds: float, stop: asyncio.Event) -> None:
    """Wait, but not past `stop`."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
