"""Connections from the edge to the services, kept open and used again."""

import asyncio
from typing import TYPE_CHECKING, cast

import httptools

from hearback_local.edge.heads import Header

if TYPE_CHECKING:
    from hearback_local.edge.exchange import Exchange


class UpstreamConnection(asyncio.Protocol):
    """One connection to a service; carries one exchange at a time."""

    def __init__(self, pool: "Pool") -> None:
        self.used_before = False
        self.idle_since = 0.0
        self._pool = pool
        self._transport: asyncio.Transport | None = None
        self.exchange: Exchange | None = None
        self._parser = httptools.HttpResponseParser(_AnswerEvents(self))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def carry(self, exchange: "Exchange") -> None:
        """Sends what belongs to this exchange from now on, and hands it the answer."""
        self.exchange = exchange

    def write(self, data: bytes) -> None:
        """Sends bytes of the request."""
        if self._transport is not None:
            self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        exchange = self.exchange
        if exchange is None:
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            exchange.fail(502, "bad_gateway", "The service gave an answer that is not HTTP.")

    def status_code(self) -> int:
        """The status of the answer that is being read."""
        return self._parser.get_status_code()

    def answer_ended(self, exchange: "Exchange", *, is_head: bool) -> None:
        """The parser saw the end; after an answer to HEAD it would wait for a body that never comes."""
        keeps_alive = self._parser.should_keep_alive()
        if is_head:
            self._parser = httptools.HttpResponseParser(_AnswerEvents(self))
        exchange.answer_ended(keep_upstream=keeps_alive)

    def eof_received(self) -> bool:
        # An answer without a length ends with the connection.
        exchange = self.exchange
        if exchange is not None:
            exchange.answer_ended_by_close()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._pool.forget(self)
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            exchange.upstream_lost()

    def pause_writing(self) -> None:
        if self.exchange is not None:
            self.exchange.pause_request()

    def resume_writing(self) -> None:
        if self.exchange is not None:
            self.exchange.resume_request()

    def pause_reading(self) -> None:
        """Stops taking the answer in while the client is slow."""
        if self._transport is not None and self._transport.is_reading():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Goes on."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def release(self, now: float) -> None:
        """Ends the exchange; the connection waits for the next."""
        self.exchange = None
        self.used_before = True
        self.resume_reading()
        self._pool.give_back(self, now)

    def close(self) -> None:
        """Ends the exchange and the connection."""
        self.exchange = None
        self._pool.forget(self)
        if self._transport is not None:
            self._transport.abort()

    @property
    def is_usable(self) -> bool:
        """Whether another exchange may be carried."""
        return self._transport is not None and not self._transport.is_closing()


class _AnswerEvents:
    """The parser's callbacks; a message with a 1xx status is told apart from the answer itself."""

    def __init__(self, connection: UpstreamConnection) -> None:
        self._connection = connection
        self._headers: list[Header] = []
        self._reason = b""
        self._in_head = True
        self._informational = False

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
        connection = self._connection
        status = connection.status_code()
        self._informational = 100 <= status < 200
        exchange = connection.exchange
        if exchange is None:
            return
        if self._informational:
            exchange.informational(status)
        elif exchange.answer_began(status, self._reason, self._headers):
            connection.answer_ended(exchange, is_head=True)

    def on_body(self, data: bytes) -> None:
        if self._connection.exchange is not None:
            self._connection.exchange.answer_body(data)

    def on_message_complete(self) -> None:
        exchange = self._connection.exchange
        if exchange is not None and not self._informational:
            self._connection.answer_ended(exchange, is_head=False)


class Pool:
    """The connections to one service."""

    def __init__(
        self, service: str, port: int, *, connections_max: int, idle_max: int, connect_seconds_max: float
    ) -> None:
        self.service = service
        self._port = port
        self._connections_max = connections_max
        self._idle_max = idle_max
        self._connect_seconds_max = connect_seconds_max
        self._idle: list[UpstreamConnection] = []
        self._all: set[UpstreamConnection] = set()

    def take_idle(self) -> UpstreamConnection | None:
        """A connection that waits for work, or None."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable:
                return connection
        return None

    async def connect(self) -> UpstreamConnection:
        """A new connection.

        Raises:
            OSError, TimeoutError: The service cannot be reached, or has enough connections already.
        """
        if len(self._all) >= self._connections_max:
            raise ConnectionRefusedError(f"more than {self._connections_max} connections to {self.service}")
        loop = asyncio.get_running_loop()
        connection = UpstreamConnection(self)
        self._all.add(connection)
        try:
            async with asyncio.timeout(self._connect_seconds_max):
                await loop.create_connection(lambda: connection, "127.0.0.1", self._port)
        except BaseException:
            self._all.discard(connection)
            raise
        return connection

    def give_back(self, connection: UpstreamConnection, now: float) -> None:
        """Keeps a connection for the next exchange, or closes it when enough wait."""
        if not connection.is_usable or len(self._idle) >= self._idle_max:
            connection.close()
            return
        connection.idle_since = now
        self._idle.append(connection)

    def forget(self, connection: UpstreamConnection) -> None:
        """The connection is gone."""
        self._all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)

    def close_idle(self, before: float) -> None:
        """Closes connections that have waited since before that time of the loop."""
        for connection in [idle for idle in self._idle if idle.idle_since < before]:
            connection.close()
