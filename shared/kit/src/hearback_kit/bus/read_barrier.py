"""Read-your-writes: a reader ends a consumer's linger early, and waits for the batch.

Under load consumers linger to fill their batches (`linger`). Readers need not see stale data because of that:
the few that read cause an early batch.
"""

import asyncio
import time
from typing import Final

from hearback_kit.background import pause
from hearback_kit.stopping import Stopping

APART_SECONDS_MIN: Final = 0.1  # minimum between early reads, which bounds the cost of frequent readers
_WAIT_SECONDS_MAX: Final = 0.5


class ReadBarrier:
    """Lets readers wait for the consumers of this process; without any, they do not wait."""

    def __init__(self) -> None:
        self._each: list[ConsumerBarrier] = []

    def for_consumer(self) -> "ConsumerBarrier":
        """Return a `ConsumerBarrier` for another consumer."""
        self._each.append(ConsumerBarrier())
        return self._each[-1]

    async def catch_up(self) -> None:
        """Wait until messages published before this call are handled, at most half a second."""
        await asyncio.gather(*(barrier.catch_up() for barrier in self._each))

    def hurry(self) -> None:
        """End the consumers' linger for the next reader; return at once."""
        for barrier in self._each:
            barrier.hurry()


class ConsumerBarrier:
    """Lets readers wait for one consumer.

    The consumer calls `pause` to linger, `reading` before it waits for messages, and `handling` after a read.
    """

    def __init__(self, apart_seconds: float = APART_SECONDS_MIN) -> None:
        self._apart_seconds = apart_seconds
        self._wanted = asyncio.Event()
        self._turned = asyncio.Event()
        self._turns = 0  # iterations of the consumer, with or without a batch
        self._is_lingering = self._is_handling = False
        self._ended_at = float("-inf")

    async def pause(self, seconds: float, stop: Stopping) -> None:
        """Wait for `seconds`, until the program stops, or until a reader calls `catch_up`."""
        self._turn()
        self._is_lingering = True
        try:
            first = min(seconds, self._ended_at + self._apart_seconds - time.monotonic())
            if first > 0:
                await stop.pause(first)
            rest = seconds - max(first, 0.0)
            if rest > 0 and not stop.is_set():
                await stop.unless_stopped(self._wait(rest))
        finally:
            self._is_lingering = False

    async def _wait(self, seconds: float) -> None:
        await pause(seconds, self._wanted)
        if self._wanted.is_set():
            self._ended_at = time.monotonic()

    def reading(self, *, lingered: bool) -> bool:
        """Note that a read begins: waiting readers have caught up, unless the consumer `lingered`.

        Return whether a reader waits for what is read, or held.
        """
        is_wanted = self._wanted.is_set()
        self._wanted.clear()
        if lingered:
            self._is_handling = True
        else:
            self._turn()
        return is_wanted

    def handling(self, messages: int) -> None:
        """Note the number of messages of a read, and of those that are held."""
        self._is_handling = messages > 0
        if not messages:
            self._turn()

    def _turn(self) -> None:
        self._turns += 1
        self._is_handling = False
        self._turned.set()
        self._turned = asyncio.Event()

    def hurry(self) -> bool:
        """End the linger, or the next one; return whether messages published before this call may wait."""
        is_waiting = self._is_lingering or self._is_handling
        if is_waiting:
            self._wanted.set()
        return is_waiting

    async def catch_up(self) -> None:
        """Wait until messages published before this call are handled, at most half a second."""
        if not self.hurry():
            return
        # The current batch was read before; the next one has the messages published since.
        wanted = self._turns + (2 if self._is_handling else 1)
        try:
            async with asyncio.timeout(_WAIT_SECONDS_MAX):
                while self._turns < wanted and (self._is_lingering or self._is_handling):
                    await self._turned.wait()
        except TimeoutError:
            return
