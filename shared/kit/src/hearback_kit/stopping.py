"""Ending a wait when the program stops."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


async def unless_stopped(work: Coroutine[Any, Any, Result], stop: asyncio.Event) -> Result | None:
    """Return what `work` returns, or None when `stop` is set first; `work` is then cancelled.

    For waits that may be cut off anywhere, such as a blocking read whose answer would be asked for again.
    """
    stopping = Stopping(stop)
    try:
        return await stopping.unless_stopped(work)
    finally:
        stopping.close()


class Stopping:
    """Waits of one loop that end when the program stops: one task watches the event for all of them.

    Close it when the loop ends.
    """

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
        """Return what `work` returns, or None when the program stops first; `work` is then cancelled."""
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait((task, self._stopped), return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() else None
        finally:
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    def close(self) -> None:
        """End the watching."""
        self._stopped.cancel()
