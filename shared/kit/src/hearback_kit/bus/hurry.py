"""Ending a consumer's gathering early, for a reader that needs what is about to be handled.

Under load a batch fills for a moment, since its cost hardly depends on how many messages it holds. Whoever reads
meanwhile need not see an older state for that: the few who read pay for a batch, and not all who write.
"""

import asyncio
import time
from typing import Final

from hearback_kit.stopping import Stopping

APART_SECONDS_MIN: Final = 0.1  # between reads that were hurried: readers who ask again and again cost no more
_WAIT_SECONDS_MAX: Final = 0.5


class Hurries:
    """Lets readers catch up with all consumers that were given one; in a process without any there is no wait."""

    def __init__(self) -> None:
        self._each: list[Hurry] = []

    def one(self) -> "Hurry":
        """Return one for another consumer."""
        self._each.append(Hurry())
        return self._each[-1]

    async def catch_up(self) -> None:
        """Return when what was published by now has been handled, within half a second."""
        await asyncio.gather(*(hurry.catch_up() for hurry in self._each))


class Hurry:
    """Lets readers catch up with the one consumer that was given it.

    The consumer calls `pause` for its moment of gathering, `reading` before it waits for messages, and `handling`
    when it has got some.
    """

    def __init__(self, apart_seconds: float = APART_SECONDS_MIN) -> None:
        self._apart_seconds = apart_seconds
        self._wanted = asyncio.Event()
        self._turned = asyncio.Event()
        self._turns = 0  # batches handled, and moments that ended without one
        self._is_gathering = self._is_handling = False
        self._hurried_at = float("-inf")

    async def pause(self, seconds: float, stop: Stopping) -> None:
        """Wait for `seconds`, until the program stops, or until a reader is in a hurry."""
        self._turn()
        self._is_gathering = True
        try:
            first = min(seconds, self._hurried_at + self._apart_seconds - time.monotonic())
            if first > 0:
                await stop.pause(first)
            rest = seconds - max(first, 0.0)
            if rest > 0 and not stop.is_set():
                await stop.unless_stopped(self._wait(rest))
        finally:
            self._is_gathering = False

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wanted.wait()
        except TimeoutError:
            return
        self._hurried_at = time.monotonic()

    def reading(self, *, gathered: bool) -> None:
        """Note that messages are being waited for: whoever waited has caught up, unless they were `gathered`."""
        self._wanted.clear()
        if gathered:
            self._is_handling = True
        else:
            self._turn()

    def handling(self, messages: int) -> None:
        """Note that a read brought messages, or none."""
        self._is_handling = messages > 0
        if not messages:
            self._turn()

    def _turn(self) -> None:
        self._turns += 1
        self._is_handling = False
        self._turned.set()
        self._turned = asyncio.Event()

    async def catch_up(self) -> None:
        """Return when what was published by now has been handled, within half a second."""
        if not self._is_gathering and not self._is_handling:
            return
        # What is being handled was read before; the next batch has what came since.
        wanted = self._turns + (2 if self._is_handling else 1)
        self._wanted.set()
        try:
            async with asyncio.timeout(_WAIT_SECONDS_MAX):
                while self._turns < wanted and (self._is_gathering or self._is_handling):
                    await self._turned.wait()
        except TimeoutError:
            return
