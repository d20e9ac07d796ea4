"""Reading the bodies of requests: small ones into memory, large ones into a file, none beyond its limit."""

import asyncio
import io
from typing import IO, Any

from envelope_gateway.api.answers import Receive
from envelope_gateway.api.body import PIECE_BYTES, Body, Memory, MemoryBody, SpooledBody, Spools
from envelope_gateway.api.encodings import decode_pieces, decode_small
from envelope_gateway.domain.refusals import BODY_TOO_LARGE, Refused


class ClientGone(Exception):
    """The client closed the connection before its request was complete."""


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

    def __init__(self, memory: Memory, spools: Spools, memory_max: int) -> None:
        self._memory = memory
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
            found = await self._collected(message, receive, bytes_max)
            if isinstance(found, _Sink):
                return await self._from_file(found, encoding, bytes_max)
            raw = found
        return self._in_memory(raw) if encoding is None else await self._decoded(raw, encoding, bytes_max)

    def _in_memory(self, view: bytes) -> MemoryBody:
        self._memory.take(len(view))
        return MemoryBody(view, self._memory)

    async def _collected(self, message: Any, receive: Receive, bytes_max: int) -> bytes | _Sink:
        """The body as it was sent, or the file that it went to."""
        sink = _Sink(self._spools, self._memory_max, bytes_max)
        taken = 0
        try:
            while True:
                if message["type"] != "http.request":
                    raise ClientGone
                if piece := message.get("body"):
                    self._memory.take(len(piece))
                    taken += len(piece)
                    sink.add(piece)
                if sink.wants_flush:
                    await asyncio.to_thread(sink.flush)
                    self._memory.give(taken)
                    taken = 0
                if not message.get("more_body"):
                    whole = sink.in_memory
                    return sink if whole is None else whole
                message = await receive()
        except BaseException:
            sink.discard()
            raise
        finally:
            self._memory.give(taken)

    async def _decoded(self, raw: bytes, encoding: bytes, bytes_max: int) -> Body:
        if not raw:
            raise Refused(400, BODY_TOO_LARGE.partition(":")[0], plain=True)
        plain = decode_small(raw, encoding, min(bytes_max, self._memory_max))
        if plain is not None:
            return self._in_memory(plain)
        encoded = self._in_memory(raw)
        try:
            found = await asyncio.to_thread(self._decode, io.BytesIO(raw), encoding, bytes_max)
        finally:
            encoded.close()
        return self._in_memory(found) if isinstance(found, bytes) else found

    async def _from_file(self, sink: _Sink, encoding: bytes | None, bytes_max: int) -> Body:
        try:
            file = await asyncio.to_thread(sink.file)
            if encoding is None:
                return SpooledBody(file, sink.size, self._spools)
            found = await asyncio.to_thread(self._decode, file, encoding, bytes_max)
        except BaseException:
            sink.discard()
            raise
        sink.discard()
        return self._in_memory(found) if isinstance(found, bytes) else found

    def _decode(self, source: IO[bytes], encoding: bytes, bytes_max: int) -> bytes | SpooledBody:
        sink = _Sink(self._spools, self._memory_max, bytes_max)
        try:
            for piece in decode_pieces(source, encoding):
                sink.add(piece)
                if sink.wants_flush:
                    sink.flush()
            whole = sink.in_memory
            return whole if whole is not None else SpooledBody(sink.file(), sink.size, self._spools)
        except BaseException:
            sink.discard()
            raise
