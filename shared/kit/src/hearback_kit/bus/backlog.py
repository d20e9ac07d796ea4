"""Signals that more messages wait than fit in a batch, so that helpers handle batches concurrently.

A stream usually has one consumer, since few large batches cost less than many small ones. Under higher load, a
helper handles the next batch while the previous one waits for the database.
"""

import asyncio

from hearback_kit.background import pause
from hearback_kit.stopping import Stopping


class Backlog:
    """A signal shared by the consumers of a stream and their helpers."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    @property
    def is_there(self) -> bool:
        """Whether the last read returned a full batch."""
        return self._event.is_set()

    def note(self, is_there: bool) -> None:
        """Set whether a read returned a full batch."""
        if is_there:
            self._event.set()
        else:
            self._event.clear()

    async def wait(self, seconds: float, stop: Stopping) -> bool:
        """Wait for a backlog, at most `seconds` or until the program stops; return whether there is one."""
        await stop.unless_stopped(pause(seconds, self._event))
        return self.is_there
