"""Request bodies: small ones in memory, large ones in a file, none beyond its limit.

A spooled body is parsed through a memory map, so that one parser serves both and a large attachment
is never held in memory.
"""

import asyncio
import io
import mmap
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar

from envelope_gateway.api.answers import Receive
from envelope_gateway.api.encodings import decode_pieces, decode_small
from envelope_gateway.domain.json_values import Bytes
from envelope_gateway.domain.refusals import BODY_TOO_LARGE, Refused, unavailable

PIECE_BYTES = 1024 * 1024
WINDOW_BYTES = 4 * 1024 * 1024

Parsed = TypeVar("Parsed")


class ClientGone(Exception):
    """The client closed the connection before its request was complete."""


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

    async def parsed(self, parse: Callable[[Bytes], Parsed]) -> Parsed:
        """What `parse` makes of the body."""
        return parse(self.view)

    async def pieces(self, start: int, end: int) -> AsyncIterator[bytes]:
        """A part of the body in pieces."""
        for offset in range(start, end, PIECE_BYTES):
            yield self.view[offset : min(offset + PIECE_BYTES, end)]

    def close(self) -> None:
        """Nothing to give back."""


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


class Spools:
    """Hands out temporary files, so many at a time."""

    def __init__(self, folder: Path, count_max: int, retry_after_seconds: int) -> None:
        self._folder = folder
        self._count_max = count_max
        self._retry_after_seconds = retry_after_seconds
        self._count = 0

    def open(self) -> IO[bytes]:
        """A new file; raises `Refused` (503) when there are too many or none can be made."""
        if self._count >= self._count_max:
            raise unavailable("relay is running out of memory", self._retry_after_seconds)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115
        except OSError as error:
            raise self.full() from error
        self._count += 1
        return file

    def full(self) -> Refused:
        """The refusal for a disk that takes no more."""
        return unavailable("no room to spool the request", self._retry_after_seconds)

    def released(self) -> None:
        """A file was closed."""
        self._count -= 1


class _Sink:
    """Takes a body piece by piece; goes over to a file when memory's share is used up."""

    def __init__(self, spools: Spools, memory_max: int, bytes_max: int) -> None:
        self._spools = spools
        self._memory_max = memory_max
        self._bytes_max = bytes_max
        self._pieces: list[bytes] = []
        self._held = 0
        self._file: IO[bytes] | None = None
        self.size = 0

    def add(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.size > self._bytes_max:
            raise too_long()
        self._pieces.append(piece)
        self._held += len(piece)

    @property
    def wants_flush(self) -> bool:
        return self._held > (PIECE_BYTES if self._file is not None else self._memory_max)

    def flush(self) -> None:
        """Write what is held to the file; blocks."""
        if self._file is None:
            self._file = self._spools.open()
        data = memoryview(b"".join(self._pieces))
        self._pieces.clear()
        self._held = 0
        try:
            while data:
                data = data[self._file.write(data) :]
        except OSError as error:
            raise self._spools.full() from error

    def discard(self) -> None:
        if self._file is not None:
            self._file.close()
            self._spools.released()

    @property
    def in_memory(self) -> bytes | None:
        """The whole body, when it never left memory."""
        return b"".join(self._pieces) if self._file is None else None

    def file(self) -> IO[bytes]:
        """The file with everything in it, at its start; blocks."""
        self.flush()
        assert self._file is not None, "flushing opens the file"
        self._file.seek(0)
        return self._file


def too_long() -> Refused:
    """413 for a body beyond its endpoint's limit."""
    return Refused(413, BODY_TOO_LARGE, plain=True)


class Bodies:
    """Reads the bodies of requests."""

    def __init__(self, spools: Spools, memory_max: int) -> None:
        self._spools = spools
        self._memory_max = memory_max

    async def read(self, receive: Receive, declared: bytes | None, encoding: bytes | None, bytes_max: int) -> Body:
        """The decoded body; raises `Refused` (400, 413, 503) or `ClientGone`."""
        if declared is not None and len(declared) < 20 and declared.isdigit() and int(declared) > bytes_max:
            raise too_long()
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            raw = message.get("body", b"")
            if len(raw) > bytes_max:
                raise too_long()
        else:
            sink = await self._collect(message, receive, bytes_max)
            found = sink.in_memory
            if found is None:
                return await self._from_file(sink, encoding, bytes_max)
            raw = found
        return MemoryBody(raw) if encoding is None else await self._decoded(raw, encoding, bytes_max)

    async def _collect(self, message: Any, receive: Receive, bytes_max: int) -> _Sink:
        sink = _Sink(self._spools, self._memory_max, bytes_max)
        try:
            while True:
                if message["type"] != "http.request":
                    raise ClientGone
                if piece := message.get("body"):
                    sink.add(piece)
                if sink.wants_flush:
                    await asyncio.to_thread(sink.flush)
                if not message.get("more_body"):
                    return sink
                message = await receive()
        except BaseException:
            sink.discard()
            raise

    async def _decoded(self, raw: bytes, encoding: bytes, bytes_max: int) -> Body:
        if not raw:
            raise Refused(400, BODY_TOO_LARGE.partition(":")[0], plain=True)
        plain = decode_small(raw, encoding, min(bytes_max, self._memory_max))
        if plain is not None:
            return MemoryBody(plain)
        return await asyncio.to_thread(self._decode, io.BytesIO(raw), encoding, bytes_max)

    async def _from_file(self, sink: _Sink, encoding: bytes | None, bytes_max: int) -> Body:
        try:
            file = await asyncio.to_thread(sink.file)
            if encoding is None:
                return SpooledBody(file, sink.size, self._spools)
            body = await asyncio.to_thread(self._decode, file, encoding, bytes_max)
        except BaseException:
            sink.discard()
            raise
        sink.discard()
        return body

    def _decode(self, source: IO[bytes], encoding: bytes, bytes_max: int) -> Body:
        sink = _Sink(self._spools, self._memory_max, bytes_max)
        try:
            for piece in decode_pieces(source, encoding):
                sink.add(piece)
                if sink.wants_flush:
                    sink.flush()
            found = sink.in_memory
            return MemoryBody(found) if found is not None else SpooledBody(sink.file(), sink.size, self._spools)
        except BaseException:
            sink.discard()
            raise
