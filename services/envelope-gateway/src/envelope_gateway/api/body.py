"""A request's body in memory or in a file, and how much of both all requests may have together.

A body in a file is parsed through a memory map, so that one parser serves both and a large attachment
is never held in memory.
"""

import asyncio
import mmap
import tempfile
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar

from envelope_gateway.domain.json_values import Bytes
from envelope_gateway.domain.refusals import Refused, unavailable

OUT_OF_MEMORY = "relay is running out of memory"
PIECE_BYTES = 1024 * 1024
WINDOW_BYTES = 4 * 1024 * 1024
Parsed = TypeVar("Parsed")


class Body(Protocol):
    """A decoded request body."""

    @property
    def view(self) -> Bytes:
        """The body as something to search and slice."""
        ...

    async def parsed(self, parse: Callable[[Bytes], Parsed]) -> Parsed:
        """What `parse` makes of the body; a large one is parsed off the event loop."""
        ...

    def pieces(self, start: int, end: int) -> AsyncIterator[bytes]:
        """A part of the body in pieces of at most 1 MiB."""
        ...

    def close(self) -> None:
        """Give back what the body holds."""
        ...


@dataclass(slots=True)
class MemoryBody:
    """A body that fits into memory."""

    view: bytes
    memory: "Memory | None" = None

    async def parsed(self, parse: Callable[[Bytes], Parsed]) -> Parsed:
        """What `parse` makes of the body."""
        return parse(self.view)

    async def pieces(self, start: int, end: int) -> AsyncIterator[bytes]:
        """A part of the body in pieces."""
        for offset in range(start, end, PIECE_BYTES):
            yield self.view[offset : min(offset + PIECE_BYTES, end)]

    def close(self) -> None:
        """Give back the memory, if any was taken."""
        if self.memory is not None:
            self.memory.give(len(self.view))


class MappedFile(mmap.mmap):
    """A file mapped into memory, of which a search leaves no more than a window behind."""

    def find(self, sub: Any, start: int = 0, end: int | None = None, /) -> int:
        """Where `sub` starts, as `bytes.find` says it."""
        size = len(self)
        end = size if end is None else min(end, size)
        while start + len(sub) <= end:
            window = start - start % WINDOW_BYTES
            following = window + WINDOW_BYTES
            found = super().find(sub, start, min(end, following + len(sub) - 1))
            if (found if found >= 0 else min(end, following)) - start > PIECE_BYTES:
                self.madvise(mmap.MADV_DONTNEED, window, min(WINDOW_BYTES, size - window))
            if found >= 0:
                return found
            start = following
        return -1


class SpooledBody:
    """A body in an unnamed temporary file, which vanishes with it."""

    def __init__(self, file: IO[bytes], size: int, spools: "Spools") -> None:
        self._file = file
        self._spools = spools
        self.size = size
        file.flush()
        self._map = MappedFile(file.fileno(), size, access=mmap.ACCESS_READ)

    @property
    def view(self) -> Bytes:
        """The file, mapped."""
        return self._map

    async def parsed(self, parse: Callable[[Bytes], Parsed]) -> Parsed:
        """What `parse` makes of the body, in a thread: it may search all of it."""
        return await asyncio.to_thread(parse, self._map)

    async def pieces(self, start: int, end: int) -> AsyncIterator[bytes]:
        """Read a part of the file off the event loop, past the map, so that it takes no memory."""
        for offset in range(start, end, PIECE_BYTES):
            yield await asyncio.to_thread(self._read, offset, min(PIECE_BYTES, end - offset))

    def _read(self, offset: int, size: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(size)

    def close(self) -> None:
        """Unmap, close and so delete the file."""
        self._map.close()
        self._file.close()
        self._spools.released()


class Memory:
    """What the bodies of all requests may hold in memory together, in bytes."""

    def __init__(self, bytes_max: int, retry_after_seconds: int) -> None:
        self._free = bytes_max
        self._retry_after_seconds = retry_after_seconds

    def take(self, size: int) -> None:
        """Take a share until it is given back; raises `Refused` (503) when there is not so much."""
        if size > self._free:
            raise unavailable(OUT_OF_MEMORY, self._retry_after_seconds)
        self._free -= size

    def give(self, size: int) -> None:
        """Give back what was taken."""
        self._free += size


class Spools:
    """Hands out temporary files, so many at a time, to whatever thread asks."""

    def __init__(self, folder: Path, count_max: int, retry_after_seconds: int) -> None:
        self._folder = folder
        self._free = threading.BoundedSemaphore(count_max)
        self._retry_after_seconds = retry_after_seconds

    def open(self) -> IO[bytes]:
        """A new file; raises `Refused` (503) when there are too many or none can be made."""
        if not self._free.acquire(blocking=False):
            raise unavailable(OUT_OF_MEMORY, self._retry_after_seconds)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            return tempfile.TemporaryFile(dir=self._folder, buffering=0)
        except OSError as error:
            self._free.release()
            raise self.full() from error

    def full(self) -> Refused:
        """The refusal for a disk that takes no more."""
        return unavailable("no room to spool the request", self._retry_after_seconds)

    def released(self) -> None:
        """A file was closed."""
        self._free.release()
