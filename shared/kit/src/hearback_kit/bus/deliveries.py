"""Reads a consumer's messages: pending ones, those of dead consumers, and new ones."""

import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Final

from hearback_kit.bus.backlog import Backlog
from hearback_kit.bus.linger import Linger
from hearback_kit.bus.messages import Incoming
from hearback_kit.bus.options import ConsumerOptions
from hearback_kit.bus.read_barrier import ConsumerBarrier
from hearback_kit.bus.redis_streams import RedisStreams
from hearback_kit.errors import Unavailable
from hearback_kit.stopping import Stopping

_FORGET_EVERY_SECONDS: Final = 3_600.0
_ACKNOWLEDGED_SECONDS_MAX: Final = 0.15  # messages are acknowledged together with the next read that is no later
_RETRYING_BLOCK_MS_MAX: Final = 100  # with retries in flight, waiting for new messages must not delay them


class Deliveries:
    """Reads `keys` as `name` in `group`. All methods raise Unavailable while the server is unreachable."""

    def __init__(
        self, bus: RedisStreams, keys: Sequence[str], group: str, name: str, options: ConsumerOptions
    ) -> None:
        self._bus = bus
        self._keys = list(keys)
        self._group = group
        self._name = name
        self._options = options
        self._claim_at = 0.0
        self._forget_at = 0.0
        self._linger = Linger(options.gather_ms_max / 1_000)
        self._barrier = options.barrier or ConsumerBarrier()
        self._backlog = options.backlog or Backlog()
        self._holding = options.holding

    def release(self) -> list[Incoming]:
        """Return the messages that are held, and hold them no longer."""
        return self._holding.release() if self._holding else []

    async def left_behind(self) -> AsyncIterator[list[Incoming]]:
        """Yield pending messages of an earlier process of this name, in batches."""
        await self._bus.ensure_group(self._keys, self._group)
        for key in self._keys:
            after: str | None = None
            while own := await self._bus.read_own(
                [key], self._group, self._name, count=self._options.read_max, after=after
            ):
                after = own[-1].entry_id
                yield own

    async def next(
        self, in_flight: int, stop: Stopping, done: Sequence[Incoming], *, at_once: bool
    ) -> list[Incoming]:
        """Return the next batch, of dead consumers first; empty if none arrive within `block_ms_max`.

        `done` are acknowledged with it, or before. `in_flight` is the number of messages that wait for a retry;
        raise Unavailable if there are too many. With `at_once` it does not wait for messages, except as a helper
        for a backlog. Waiting ends when the program stops; messages delivered just then stay pending.
        """
        if self._options.is_helper:
            return await self._help(in_flight, stop, done)
        await self._forget_consumers()
        claimed = await self._claim()
        if claimed:
            await self._bus.ack(self._group, done)
        return claimed or await self._read(in_flight, stop, done, at_once)

    async def _help(self, in_flight: int, stop: Stopping, done: Sequence[Incoming]) -> list[Incoming]:
        """Wait for a backlog and return a batch of it."""
        if not self._backlog.is_there:
            await self._bus.ack(self._group, done)
            done = ()
            if not await self._backlog.wait(self._block_ms(in_flight) / 1_000, stop):
                return []
        return await self._read(in_flight, stop, done, at_once=True)

    async def _forget_consumers(self) -> None:
        now = time.monotonic()
        if now < self._forget_at:
            return
        self._forget_at = now + _FORGET_EVERY_SECONDS
        idle_ms_min = self._options.forget_consumers_ms
        await self._bus.forget_consumers(self._keys, self._group, idle_ms_min=idle_ms_min)

    async def _claim(self) -> list[Incoming]:
        options = self._options
        if time.monotonic() < self._claim_at:
            return []
        count = min(options.batch_max, options.read_max)
        claimed = await self._bus.claim(
            self._keys, self._group, self._name, idle_ms_min=options.idle_ms_min, count=count
        )
        if len(claimed) < count:  # else there may be more, which is the oldest of all
            self._claim_at = time.monotonic() + options.idle_ms_min / 2_000
        return claimed

    async def _read(
        self, in_flight: int, stop: Stopping, done: Sequence[Incoming], at_once: bool
    ) -> list[Incoming]:
        options = self._options
        if in_flight >= options.retries_waiting_max:
            raise Unavailable("too many messages wait to be tried again")
        block_ms = self._block_ms(in_flight)
        wait = 0.0 if at_once else self._wait(time.monotonic())
        if wait > _ACKNOWLEDGED_SECONDS_MAX:
            await self._bus.ack(self._group, done)
            done = ()
        if at_once or self._holding:
            block_ms = 0
        if wait:
            await self._barrier.pause(wait, stop)
        is_wanted = self._barrier.reading(lingered=wait > 0 or bool(self._holding))
        batch: list[Incoming] = []
        try:
            batch = await stop.unless_stopped(self._read_all(block_ms, done)) or []
            is_full = self._is_full(batch)
            self._linger.count(time.monotonic(), len(batch), full=is_full)
            self._backlog.note(is_full)
            if self._holding is not None:
                batch = self._holding.sift(batch, time.monotonic(), everything=is_wanted)
        finally:
            self._barrier.handling(len(batch) + len(self._holding or ()))
        return batch

    def _wait(self, now: float) -> float:
        """Return the linger; while messages are held there is one, which ends when they are to be handled."""
        wait = self._linger.seconds(now)
        if wait or not self._holding or self._backlog.is_there:
            return wait
        return min(self._options.gather_ms_max / 1_000, self._holding.seconds(now))

    def _block_ms(self, in_flight: int) -> int:
        longest = self._options.block_ms_max
        return min(_RETRYING_BLOCK_MS_MAX, longest) if in_flight else longest

    async def _read_all(self, block_ms: int, done: Sequence[Incoming]) -> list[Incoming]:
        """Read a share from each stream, and then from those that have more, until the batch is full."""
        keys, batch = self._keys, list[Incoming]()
        while keys and not self._is_full(batch):
            count = min(self._options.read_max, self._options.batch_max - len(batch))
            try:
                found = await self._bus.read(
                    keys, self._group, self._name, count=count, block_ms=block_ms, done=done
                )
            except Unavailable:
                if not batch:
                    raise
                break  # what was delivered is handled first
            share = -(-count // len(keys))
            keys = [key for key, number in Counter(message.key for message in found).items() if number >= share]
            batch += found
            block_ms, done = 0, ()
        return batch

    def _is_full(self, batch: Sequence[Incoming]) -> bool:
        options = self._options
        return len(batch) >= options.batch_max or sum(map(_size, batch)) >= options.batch_bytes_max


def _size(message: Incoming) -> int:
    return len(message.data) + len(message.body or b"")
