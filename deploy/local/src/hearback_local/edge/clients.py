"""Tracks open client connections."""

import asyncio
from collections.abc import Iterator
from typing import Protocol

from hearback_local.edge.shares import Shares


class OpenConnection(Protocol):
    """An open client connection."""

    def check_deadlines(self, now: float) -> None:
        """Close it if a deadline has passed."""

    def stop(self) -> None:
        """Close it once it is idle."""

    def abort(self) -> None:
        """Close it immediately."""


class Clients:
    """The open client connections, and their shares."""

    def __init__(self, shares: Shares) -> None:
        self.shares = shares
        self._open: set[OpenConnection] = set()
        self._emptied = asyncio.Event()

    def __iter__(self) -> Iterator[OpenConnection]:
        """Iterate over a copy, since connections may close meanwhile."""
        return iter(list(self._open))

    def add(self, client: OpenConnection) -> None:
        """Add an open connection."""
        self._open.add(client)

    def remove(self, client: OpenConnection) -> None:
        """Remove a closed connection."""
        self._open.discard(client)
        if not self._open:
            self._emptied.set()

    async def wait_empty(self) -> None:
        """Wait until no connection is open."""
        if self._open:
            self._emptied.clear()
            await self._emptied.wait()
