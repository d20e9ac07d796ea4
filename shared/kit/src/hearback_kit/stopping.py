"""End waits when the program stops."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


async def unless_stopped(work: Coroutine[Any, Any, Result], stop: asyncio.Event) -> Result | None:
    """Return the result of `work`, or cancel it and return None when `stop` is set.

    `work` must be safe to cancel anywhere, such as a blocking read that can be repeated.
    """
    stopping = Stopping(stop)
    try:
        return await stopping.unless_stopped(work)
    finally:
        stopping.close()


class Stopping:
    """Interruptible waits of a loop, which share one task that watches the event; close it after the loop."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self._stopped = asyncio.ensure_future(stop.wait())

    def is_set(self) -> bool:
        """Return whether the program stops."""
        return self._stop.is_set()

    async def pause(self, seconds: float) -> None:
        """Wait for `seconds`, or until the program stops."""
        if not self._stop.is_set():
            await asyncio.wait((self._stopped,), timeout=seconds)

    async def unless_stopped(self, work: Coroutine[Any, Any, Result]) -> Result | None:
        """Return the result of `work`, or cancel it and return None when the program stops."""
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait((task, self._stopped), return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() else None
        finally:
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    def close(self) -> None:
        """Stop watching the event."""
        self._stopped.cancel()
