"""Connections to the services, pooled per service."""

import asyncio
import select
from collections import deque
from typing import TYPE_CHECKING, cast

import httptools

from hearback_local.edge import heads

if TYPE_CHECKING:
    from hearback_local.edge.proxied import ProxiedRequest


class UpstreamConnection(asyncio.Protocol):
    """A connection to a service; carries one request at a time."""

    def __init__(self, pool: "Pool") -> None:
        self.used_before = False
        self.idle_since = 0.0
        self.request: ProxiedRequest | None = None
        self._pool = pool
        self._transport: asyncio.Transport | None = None
        self._poll = select.poll()
        self._parser = httptools.HttpResponseParser(self)
        # Of the response that is being received.
        self._headers: list[heads.Header] = []
        self._reason = b""
        self._in_head = True
        self._is_interim = False
        self._keep = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def carry(self, request: "ProxiedRequest") -> None:
        """Report the next response to this request."""
        self.request = request

    def write(self, data: bytes) -> None:
        """Send bytes of the request."""
        if self._transport is not None:
            self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        request = self.request
        if request is None:
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            request.flush_answer()
            request.fail(502, "bad_gateway", "The service gave an answer that is not HTTP.")
            return
        request.flush_answer()

    # Events of the parser, for interim responses (1xx) and the final one.

    def on_message_begin(self) -> None:
        self._headers = []
        self._reason = b""
        self._in_head = True

    def on_status(self, reason: bytes) -> None:
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:
            self._headers.append((name.lower(), name, value))

    def on_headers_complete(self) -> None:
        self._in_head = False
        status = self._parser.get_status_code()
        self._is_interim = 100 <= status < 200
        self._keep = not heads.says_close(self._headers)
        if self.request is None:
            return
        if self._is_interim:
            self.request.informational(status)
        elif self.request.answer_began(status, self._reason, self._headers):
            keep = self._keep and self._parser.should_keep_alive()
            self._parser = httptools.HttpResponseParser(self)  # this one would wait for the body
            self.request.answer_ended(keep_upstream=keep)

    def on_body(self, data: bytes) -> None:
        if self.request is not None:
            self.request.answer_body(data)

    def on_message_complete(self) -> None:
        if self.request is not None and not self._is_interim:
            self.request.answer_ended(keep_upstream=self._keep and self._parser.should_keep_alive())

    # Events of the transport.

    def eof_received(self) -> bool:
        if self.request is not None:
            self.request.upstream_ended()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._pool.forget(self)
        request, self.request = self.request, None
        if request is not None:
            request.upstream_lost()

    def pause_writing(self) -> None:
        if self.request is not None:
            self.request.pause_request()

    def resume_writing(self) -> None:
        if self.request is not None:
            self.request.resume_request()

    def pause_reading(self) -> None:
        """Stop reading the response while the client is slow."""
        if self._transport is not None and self._transport.is_reading():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Resume reading the response."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def release(self, now: float) -> None:
        """Detach the request and wait for the next."""
        self.request = None
        self.used_before = True
        self.resume_reading()
        self._pool.give_back(self, now)

    def close(self) -> None:
        """Detach the request and close."""
        self.request = None
        self._pool.forget(self)
        if self._transport is not None:
            self._transport.abort()

    @property
    def is_usable(self) -> bool:
        """Whether another request may be sent: it is open, with nothing (such as its end) to read."""
        return self.is_open and not self._poll.poll(0)

    @property
    def is_open(self) -> bool:
        """Whether no end of the connection was read."""
        return self._transport is not None and not self._transport.is_closing()


class Pool:
    """The connections to one service.

    Beyond `connections_max`, up to `waiting_max` requests wait for their turn.
    """

    def __init__(
        self,
        service: str,
        port: int,
        *,
        connections_max: int,
        waiting_max: int,
        idle_max: int,
        connect_seconds_max: float,
    ) -> None:
        self.service = service
        self._port = port
        self._connections_max = connections_max
        self._idle_max = idle_max
        self._connect_seconds_max = connect_seconds_max
        self._idle: list[UpstreamConnection] = []
        self._waiting_max = waiting_max
        self._all: set[UpstreamConnection] = set()
        self._waiting: deque[asyncio.Future[UpstreamConnection | None]] = deque()

    def take_idle(self) -> UpstreamConnection | None:
        """Return an idle connection, or None; discard those that the service has closed."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable:
                return connection
            connection.close()
        return None

    async def connect(self) -> UpstreamConnection:
        """Return a new connection, or one that became free, in the order of the calls.

        Raises OSError or TimeoutError if the service is unreachable or too many requests wait.
        """
        if len(self._all) >= self._connections_max:
            freed = await self._turn()
            if freed is not None:
                return freed
        loop = asyncio.get_running_loop()
        connection = UpstreamConnection(self)
        self._all.add(connection)
        try:
            async with asyncio.timeout(self._connect_seconds_max):
                await loop.create_connection(lambda: connection, "127.0.0.1", self._port)
        except BaseException:
            self._all.discard(connection)
            self._wake(None)
            raise
        return connection

    async def _turn(self) -> UpstreamConnection | None:
        """Wait for a free connection and return it, or None if a new one may be opened."""
        if len(self._waiting) >= self._waiting_max:
            raise ConnectionRefusedError(f"more than {self._connections_max} connections to {self.service}")
        turn: asyncio.Future[UpstreamConnection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if not turn.cancelled() and (freed := turn.result()) is not None:
                freed.close()
            raise

    def _wake(self, freed: UpstreamConnection | None) -> bool:
        """Resume the first waiter; return False if there is none."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():  # else its client gave up
                turn.set_result(freed)
                return True
        return False

    def give_back(self, connection: UpstreamConnection, now: float) -> None:
        """Pass a connection to the next waiter, keep it idle, or close it if enough are idle."""
        if self._waiting and connection.is_usable and self._wake(connection):
            return
        # Whether it can be used is looked at when it is taken.
        if not connection.is_open or len(self._idle) >= self._idle_max:
            connection.close()
            return
        connection.idle_since = now
        self._idle.append(connection)

    def forget(self, connection: UpstreamConnection) -> None:
        """Remove a closed connection."""
        if connection in self._all:
            self._all.discard(connection)
            self._wake(None)
        if connection in self._idle:
            self._idle.remove(connection)

    def close_idle(self, before: float) -> None:
        """Close connections that have been idle since before this event loop time."""
        for connection in [idle for idle in self._idle if idle.idle_since < before]:
            connection.close()
