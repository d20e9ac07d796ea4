"""Large bodies in temporary files, parsed through a memory map by the same parser as bodies in memory."""

import asyncio
import mmap
import tempfile
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import IO, Any

from hearback_kit.client_shares import ClientShares
from hearback_kit.values.addresses import address_block

from envelope_gateway.api.bodies.memory import OUT_OF_MEMORY, PIECE_BYTES, Parsed
from envelope_gateway.domain.json_values import Bytes
from envelope_gateway.domain.refusals import unavailable

WINDOW_BYTES = 4 * 1024 * 1024
DISK_FULL = "no room to spool the request"


class SpoolFiles:
    """A bounded, thread-safe pool of temporary files: `count_max` for all, `address_max` per address.

    An address is an IPv4 address or an IPv6 /64.
    """

    def __init__(self, folder: Path, *, count_max: int, address_max: int) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._shares = ClientShares(count_max, address_max)

    def open(self, address: str | None) -> "SpoolFile":
        """Open a new file. Raise `Refused` (503) if there are too many or it cannot be created."""
        subject = address_block(address or "unknown")
        with self._lock:
            if not self._shares.take(subject):
                raise unavailable(OUT_OF_MEMORY)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            return SpoolFile(self, subject, tempfile.TemporaryFile(dir=self._folder, buffering=0))
        except OSError as error:
            self.release(subject)
            raise unavailable(DISK_FULL) from error

    def release(self, subject: str) -> None:
        """Note that a file was closed."""
        with self._lock:
            self._shares.give_back(subject)


class SpoolFile:
    """An unnamed temporary file; all methods block."""

    def __init__(self, spools: SpoolFiles, subject: str, file: IO[bytes]) -> None:
        self._spools = spools
        self._subject = subject
        self.file = file

    def write(self, data: bytes) -> None:
        """Write all of `data`. Raise `Refused` (503) when the disk is full."""
        view = memoryview(data)
        try:
            while view:
                view = view[self.file.write(view) :]
        except OSError as error:
            raise unavailable(DISK_FULL) from error

    def close(self) -> None:
        """Close the file, which deletes it."""
        self.file.close()
        self._spools.release(self._subject)


class MappedFile(mmap.mmap):
    """A file mapped into memory; a search leaves at most a window of it resident."""

    def find(self, sub: Any, start: int = 0, end: int | None = None, /) -> int:
        """Return where `sub` starts, or -1, as `bytes.find` does."""
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
    """A body in a spool file of `size` bytes."""

    def __init__(self, spool: SpoolFile, size: int) -> None:
        self._spool = spool
        self.size = size
        self._map = MappedFile(spool.file.fileno(), size, access=mmap.ACCESS_READ)

    @property
    def view(self) -> Bytes:
        """The file, mapped."""
        return self._map

    async def parsed(self, parse: Callable[[Bytes], Parsed]) -> Parsed:
        """Return `parse(view)`, computed in a thread: it may search the whole file."""
        return await asyncio.to_thread(parse, self._map)

    async def pieces(self, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield a part of the file, read in a thread and not through the map, so that it takes no memory."""
        for offset in range(start, end, PIECE_BYTES):
            yield await asyncio.to_thread(self._read, offset, min(PIECE_BYTES, end - offset))

    def _read(self, offset: int, size: int) -> bytes:
        self._spool.file.seek(offset)
        return self._spool.file.read(size)

    def close(self) -> None:
        """Unmap and close the file, which deletes it."""
        self._map.close()
        self._spool.close()
