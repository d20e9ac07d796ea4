"""The open connections of clients, with a share for each address."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from hearback_kit.values.addresses import address_block

Connection = TypeVar("Connection", bound="AddressedConnection")


class AddressedConnection(Protocol):
    """A connection that knows whose it is."""

    client_ip: str


class Clients(Generic[Connection]):
    """Counts connections in total and per client address (of IPv6, per /64)."""

    def __init__(self, *, connections_max: int, per_address_max: int) -> None:
        self._connections_max = connections_max
        self._per_address_max = per_address_max
        self._open: set[Connection] = set()
        self._by_address: Counter[str] = Counter()
        self._emptied = asyncio.Event()

    def __iter__(self) -> Iterator[Connection]:
        """Iterate over a copy: connections may close meanwhile."""
        return iter(list(self._open))

    def admit(self, connection: Connection) -> bool:
        """Add a connection; return whether it is within the limits."""
        address = address_block(connection.client_ip)
        within = len(self._open) < self._connections_max and self._by_address[address] < self._per_address_max
        self._open.add(connection)
        self._by_address[address] += 1
        return within

    def remove(self, connection: Connection) -> None:
        """Remove a closed connection."""
        if connection not in self._open:
            return
        self._open.discard(connection)
        address = address_block(connection.client_ip)
        self._by_address[address] -= 1
        if self._by_address[address] <= 0:
            del self._by_address[address]
        if not self._open:
            self._emptied.set()

    async def wait_empty(self) -> None:
        """Wait until no connection is open."""
        if self._open:
            self._emptied.clear()
            await self._emptied.wait()
