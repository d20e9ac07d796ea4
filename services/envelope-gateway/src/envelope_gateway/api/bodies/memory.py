"""Bodies in memory, and the limit of their total memory."""

from collections.abc import AsyncIterator, Callable
from typing import Protocol, TypeVar

from hearback_kit.values.addresses import address_block

from envelope_gateway.domain.json_values import Bytes
from envelope_gateway.domain.refusals import unavailable
from envelope_gateway.service.upload_attachments import PayloadSource

OUT_OF_MEMORY = "relay is running out of memory"
PIECE_BYTES = 1024 * 1024
Parsed = TypeVar("Parsed")


class Body(PayloadSource, Protocol):
    """A decoded request body."""

    @property
    def view(self) -> Bytes:
        """Return the body, to search and slice."""

    async def parsed(self, parse: Callable[[Bytes], Parsed]) -> Parsed:
        """Return `parse(view)`; large bodies are parsed off the event loop."""

    def close(self) -> None:
        """Release the body's resources."""


class BodyMemory:
    """Accounts for the memory of bodies: at most `bytes_max` bytes.

    A complete body is held briefly, an incomplete one for as long as its client likes. So incomplete bodies never
    use the last `reserve` bytes, and those of one address (IPv6: one /64) at most `address_bytes_max`: slow
    clients cannot starve complete bodies.
    """

    def __init__(self, bytes_max: int, *, reserve: int, address_bytes_max: int) -> None:
        self._free = bytes_max
        self._reserve = reserve
        self._address_bytes_max = address_bytes_max
        self._by_address: dict[str, int] = {}

    def take(self, size: int) -> None:
        """Reserve memory for a complete body. Raise `Refused` (503) if there is not enough."""
        if size > self._free:
            raise unavailable(OUT_OF_MEMORY)
        self._free -= size

    def give(self, size: int) -> None:
        """Release the memory of a complete body."""
        self._free += size

    def take_incomplete(self, address: str | None, size: int) -> None:
        """Reserve memory for a piece of an address's body. Raise `Refused` (503) if there is not enough."""
        subject = address_block(address or "")
        held = self._by_address.get(subject, 0) + size
        if held > self._address_bytes_max or size > self._free - self._reserve:
            raise unavailable(OUT_OF_MEMORY)
        self._free -= size
        self._by_address[subject] = held

    def give_incomplete(self, address: str | None, size: int) -> None:
        """Release the memory of pieces."""
        if not size:
            return
        self._free += size
        subject = address_block(address or "")
        held = self._by_address[subject] - size
        if held:
            self._by_address[subject] = held
        else:
            del self._by_address[subject]


class MemoryBody:
    """A body in memory, which reserves its size from `memory` if given."""

    __slots__ = ("_memory", "view")

    def __init__(self, view: bytes, memory: BodyMemory | None = None) -> None:
        if memory is not None:
            memory.take(len(view))
        self.view = view
        self._memory = memory

    async def parsed(self, parse: Callable[[Bytes], Parsed]) -> Parsed:
        """Return `parse(view)`."""
        return parse(self.view)

    async def pieces(self, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield a part of the body in pieces of at most 1 MiB."""
        for offset in range(start, end, PIECE_BYTES):
            yield self.view[offset : min(offset + PIECE_BYTES, end)]

    def close(self) -> None:
        """Release the memory."""
        if self._memory is not None:
            self._memory.give(len(self.view))
