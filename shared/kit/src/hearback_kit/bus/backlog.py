"""Whether more waits in a consumer's streams than one batch, so that helpers handle batches beside it.

A stream has one consumer at most times, as few large batches cost less than many small ones. Under more load than
that, the next batch is handled while the one before waits for the database.
"""

import asyncio

from hearback_kit.stopping import Stopping


class Backlog:
    """Shared by the consumers of a stream and their helpers."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    @property
    def is_there(self) -> bool:
        """Whether the read before found as much as fits in a batch."""
        return self._event.is_set()

    def note(self, is_there: bool) -> None:
        """Note whether a read found at least as much as fits in a batch."""
        if is_there:
            self._event.set()
        else:
            self._event.clear()

    async def wait(self, seconds: float, stop: Stopping) -> bool:
        """Return whether there is a backlog; wait for one, at most `seconds` or until the program stops."""
        try:
            async with asyncio.timeout(seconds):
                await stop.unless_stopped(self._event.wait())
        except TimeoutError:
            return False
        return self.is_there
