"""Tracks open client connections."""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hearback_kit.client_shares import ClientShares

if TYPE_CHECKING:
    from hearback_local.edge.client import ClientConnection


class Clients:
    """The open client connections, and their shares."""

    def __init__(self, shares: ClientShares) -> None:
        self.shares = shares
        self._open: set[ClientConnection] = set()
        self._emptied = asyncio.Event()

    def __iter__(self) -> "Iterator[ClientConnection]":
        """Iterate over a copy, since connections may close meanwhile."""
        return iter(list(self._open))

    def add(self, client: "ClientConnection") -> None:
        """Add an open connection."""
        self._open.add(client)

    def remove(self, client: "ClientConnection") -> None:
        """Remove a closed connection."""
        self._open.discard(client)
        if not self._open:
            self._emptied.set()

    async def wait_empty(self) -> None:
        """Wait until no connection is open."""
        if self._open:
            self._emptied.clear()
            await self._emptied.wait()
