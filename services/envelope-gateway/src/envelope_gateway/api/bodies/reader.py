"""Read request bodies: small ones into memory, large ones into a file, within limits."""

import asyncio
import io
from typing import Any

from envelope_gateway.api.bodies.encodings import Source, decode_pieces, decode_small, decode_start, encoding_of
from envelope_gateway.api.bodies.memory import PIECE_BYTES, Body, BodyMemory, MemoryBody
from envelope_gateway.api.bodies.spools import SpooledBody, SpoolFile, SpoolFiles
from envelope_gateway.api.serializers import Receive
from envelope_gateway.domain.authentication import Authentication
from envelope_gateway.domain.envelope import HEADER_BYTES_MAX, first_line_headers
from envelope_gateway.domain.json_values import Bytes
from envelope_gateway.domain.refusals import BAD_ENVELOPE_AUTH, BODY_EMPTY, BODY_TOO_LARGE, Refused
from envelope_gateway.domain.request_head import RequestHead
from envelope_gateway.service.find_project import ProjectFinder

SHORT_BYTES_MAX = 64 * 1024


class ClientGone(Exception):
    """The client closed the connection before its request was complete."""


class _BodyBuffer:
    """Collects a body piece by piece; beyond `memory_max` bytes it continues in a file."""

    def __init__(self, spools: SpoolFiles, address: str | None, memory_max: int, bytes_max: int) -> None:
        self._spools = spools
        self._address = address
        self._memory_max = memory_max
        self._bytes_max = bytes_max
        self._pieces: list[bytes] = []
        self._held = 0
        self._spool: SpoolFile | None = None
        self.size = 0

    def add(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.size > self._bytes_max:
            raise body_too_large()
        self._pieces.append(piece)
        self._held += len(piece)

    @property
    def wants_flush(self) -> bool:
        return self._held > (PIECE_BYTES if self._spool is not None else self._memory_max)

    def flush(self) -> SpoolFile:
        """Write what is held to the file and return it; blocks."""
        if self._spool is None:
            self._spool = self._spools.open(self._address)
        data = b"".join(self._pieces)
        self._pieces.clear()
        self._held = 0
        self._spool.write(data)
        return self._spool

    @property
    def start(self) -> bytes:
        """Return the part that is in memory."""
        return b"".join(self._pieces)

    def discard(self) -> None:
        if self._spool is not None:
            self._spool.close()

    @property
    def in_memory(self) -> bytes | None:
        """Return the whole body, or None if it is in a file."""
        return b"".join(self._pieces) if self._spool is None else None

    def to_file(self) -> SpoolFile:
        """Return the file with the whole body, at its start; blocks."""
        spool = self.flush()
        spool.file.seek(0)
        return spool


def authenticate_by_dsn(envelope: Bytes) -> tuple[Authentication, int]:
    """Return the authentication in the envelope's own DSN, whose project replaces the path's; raise `Refused`."""
    try:
        dsn = first_line_headers(envelope).dsn
        if dsn is None:
            raise ValueError("missing field `dsn` at line 1 column 0")
    except ValueError as error:
        raise Refused(401, BAD_ENVELOPE_AUTH, (str(error),)) from error
    return Authentication(dsn.public_key), dsn.project_id


def body_too_large() -> Refused:
    """413: the body is larger than its endpoint allows."""
    return Refused(413, BODY_TOO_LARGE, plain=True)


class BodyReader:
    """Reads the bodies of requests; up to `memory_max` bytes of one are held in memory.

    Bodies with an unknown public key are not read to the end. Short bodies are already complete (see
    `hearback_kit.http_server.protocol`).
    """

    def __init__(self, projects: ProjectFinder, memory: BodyMemory, spools: SpoolFiles, memory_max: int) -> None:
        self._projects = projects
        self._memory = memory
        self._spools = spools
        self._memory_max = memory_max

    async def read(self, head: RequestHead, receive: Receive, bytes_max: int) -> Body:
        """Return the decoded body. Raise `Refused` (400, 403, 413, 415, 503) or `ClientGone`."""
        encoding = await self._check(head, bytes_max)
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            raw = message.get("body", b"")
            if len(raw) > bytes_max:
                raise body_too_large()
        else:
            buffer = await self._collect(head, message, receive, encoding, bytes_max)
            raw = buffer.in_memory
            if raw is None:
                return await self._from_file(buffer, head.limit_addr, encoding, bytes_max)
        if encoding is None:
            return MemoryBody(raw, self._memory)
        return await self._decoded(raw, head.limit_addr, encoding, bytes_max)

    async def drain(self, head: RequestHead, receive: Receive, bytes_max: int) -> None:
        """Read and discard a body; raise as `read` does."""
        await self._check(head, bytes_max)
        size = 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise ClientGone
            size += len(message.get("body", b""))
            if size > bytes_max:
                raise body_too_large()
            if not message.get("more_body"):
                return

    async def _check(self, head: RequestHead, bytes_max: int) -> bytes | None:
        """Check that a request's body may be read, and return its content encoding."""
        length = _declared_length(head)
        is_here = length is not None and length <= SHORT_BYTES_MAX
        if head.authentication is not None and not is_here:
            await self._projects.require(head.authentication.public_key)
        if length is not None and length > bytes_max:
            raise body_too_large()
        return encoding_of(head.headers.get(b"content-encoding"))

    async def _collect(
        self, head: RequestHead, message: Any, receive: Receive, encoding: bytes | None, bytes_max: int
    ) -> _BodyBuffer:
        """Return the buffer of the raw body."""
        address = head.limit_addr
        is_known, looks_at = head.authentication is not None, SHORT_BYTES_MAX
        buffer = _BodyBuffer(self._spools, address, self._memory_max, bytes_max)
        taken = 0
        try:
            while True:
                if message["type"] != "http.request":
                    raise ClientGone
                if piece := message.get("body"):
                    self._memory.take_incomplete(address, len(piece))
                    taken += len(piece)
                    buffer.add(piece)
                if not is_known and buffer.size > min(looks_at, HEADER_BYTES_MAX, self._memory_max):
                    is_known = await self._is_sender_known(buffer, encoding)
                    looks_at = 2 * buffer.size
                if buffer.wants_flush:
                    await asyncio.to_thread(buffer.flush)
                    self._memory.give_incomplete(address, taken)
                    taken = 0
                if not message.get("more_body"):
                    return buffer
                message = await receive()
        except BaseException:
            buffer.discard()
            raise
        finally:
            self._memory.give_incomplete(address, taken)

    async def _is_sender_known(self, buffer: _BodyBuffer, encoding: bytes | None) -> bool:
        """Authenticate by the envelope's first line; return False while that is incomplete.

        Raise `Refused` (401, 403) if the rest of the body is not to be read.
        """
        start = buffer.start
        if encoding is not None:
            start = await asyncio.to_thread(decode_start, start, encoding, HEADER_BYTES_MAX)
        may_go_on = buffer.size <= min(HEADER_BYTES_MAX, self._memory_max) and len(start) < HEADER_BYTES_MAX
        if may_go_on and start.find(b"\n") < 0:
            return False
        sender, _ = authenticate_by_dsn(start)
        await self._projects.require(sender.public_key)
        return True

    async def _decoded(self, raw: bytes, address: str | None, encoding: bytes, bytes_max: int) -> Body:
        if not raw:
            raise Refused(400, BODY_EMPTY, plain=True)
        plain = decode_small(raw, encoding, min(bytes_max, self._memory_max))
        if plain is not None:
            return MemoryBody(plain, self._memory)
        encoded = MemoryBody(raw, self._memory)
        try:
            found = await asyncio.to_thread(self._decode, io.BytesIO(raw), address, encoding, bytes_max)
        finally:
            encoded.close()
        return MemoryBody(found, self._memory) if isinstance(found, bytes) else found

    async def _from_file(
        self, buffer: _BodyBuffer, address: str | None, encoding: bytes | None, bytes_max: int
    ) -> Body:
        try:
            spool = await asyncio.to_thread(buffer.to_file)
            if encoding is None:
                return SpooledBody(spool, buffer.size)
            found = await asyncio.to_thread(self._decode, spool.file, address, encoding, bytes_max)
        except BaseException:
            buffer.discard()
            raise
        buffer.discard()
        return MemoryBody(found, self._memory) if isinstance(found, bytes) else found

    def _decode(self, source: Source, address: str | None, encoding: bytes, bytes_max: int) -> bytes | SpooledBody:
        buffer = _BodyBuffer(self._spools, address, self._memory_max, bytes_max)
        try:
            for piece in decode_pieces(source, encoding):
                buffer.add(piece)
                if buffer.wants_flush:
                    buffer.flush()
            whole = buffer.in_memory
            return whole if whole is not None else SpooledBody(buffer.to_file(), buffer.size)
        except BaseException:
            buffer.discard()
            raise


def _declared_length(head: RequestHead) -> int | None:
    declared = head.headers.get(b"content-length")
    return int(declared) if declared is not None and len(declared) < 20 and declared.isdigit() else None
