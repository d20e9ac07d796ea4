"""Serve connections handed over by a front server, and hand them back (see `channel`)."""

import asyncio
import socket
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, Protocol

from hearback_kit.http_server.channel import Channel, plain_length
from hearback_kit.http_server.gathered import GatheredSockets
from hearback_kit.http_server.protocol import HEAD_BYTES_MAX, HttpProtocol
from hearback_kit.http_server.refusals import NOT_GIVEN_BACK

_CONNECT_AGAIN_SECONDS: Final = 0.25
_FLUSH_LOOK_SECONDS: Final = 0.02
_PATHS_KEPT: Final = 1_024
GiveBack = Callable[[int, bytes], bool]


class HandingApp(Protocol):
    """An application that serves plain requests on handed-over connections."""

    def rest(self, read_at: float, now: float) -> float:
        """Return the seconds until data that arrives after `read_at` must be read (loop times)."""

    def serves(self, path: str) -> bool:
        """Return whether the application serves POST requests to a path."""


class _NotHere(Exception):
    """Stops the parser when a connection is to be handed back."""


class HandedConnection(HttpProtocol):
    """A client's connection whose first request was read by the front server.

    It serves plain requests of the application. With any other data (another method or path, pipelined requests, a
    head that is not plain, invalid HTTP) the connection is handed back, once all responses are written.
    """

    def __init__(
        self, *, began: bytes, serves: Callable[[bytes], bool], give_back: GiveBack, **named: Any
    ) -> None:
        super().__init__(**named)
        self._serves = serves
        self._give_back = give_back
        self._read = began  # of the request whose head is not complete yet
        self._length = 0
        self._missing = 0  # bytes of the body that is being received
        self._rest: bytes | None = None  # data to hand back with the connection, as soon as possible

    def connection_made(self, transport: Any) -> None:
        """Process the bytes that the front server read."""
        super().connection_made(transport)
        began, self._read = self._read, b""
        if not transport.is_closing():
            self.data_received(began)

    def data_received(self, data: bytes) -> None:
        """Parse bytes of one request; keep those of the next."""
        last: Any = self.cycle
        if self._rest is not None:
            self._rest += data
        elif self._missing:
            body, after = data[: self._missing], data[self._missing :]
            self._missing -= len(body)
            self._received(body)
            if after:
                self.data_received(after)
        elif last is None or last.response_complete:
            self._read = self._read + data if self._read else data
            self._received(data)
            self._head_received(last)
        else:
            self._keep_rest(data)

    def _head_received(self, before: Any) -> None:
        """Check whether bytes completed a head, and decide where it belongs."""
        if self.transport.is_closing():
            return
        if self.cycle is before:
            if self._is_cut_off:
                self._keep_rest(self._read)
                self._go_on()
            return
        read, self._read = self._read, b""
        if self._is_cut_off:  # another request followed
            self._keep_rest(read[self._end_of(read) :])
            if self.cycle.response_complete:
                self._go_on()
        elif self.cycle.more_body:
            self._missing = self._end_of(read) - len(read)

    def _end_of(self, read: bytes) -> int:
        return read.index(b"\r\n\r\n") + 4 + self._length

    def _keep_rest(self, rest: bytes) -> None:
        self._rest = rest
        self.flow.pause_reading()

    def on_message_begin(self) -> None:
        """Start a request, unless one before it is not answered."""
        last: Any = self.cycle
        if last is not None and not last.response_complete:
            self._cut_off()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Start a plain request of the application."""
        length = plain_length(self.headers) if self._read.startswith(b"POST ") else None
        if (
            length is None
            or self.parser.get_http_version() != "1.1"
            or len(self._read) - length > HEAD_BYTES_MAX
            or not self._serves(self.url.partition(b"?")[0])
        ):
            self._cut_off()
        else:
            self._length = length
            super().on_headers_complete()

    def _cut_off(self) -> None:
        self._is_cut_off = self._is_under_way = True  # so that the data does not count as an endless head
        raise _NotHere

    def send_400_response(self, msg: str) -> None:
        """Hand invalid HTTP back to the front server."""
        self._is_cut_off = self._is_under_way = True

    def eof_received(self) -> bool:  # type: ignore[override]
        """Finish the response to a client that half-closed after a complete request."""
        last: Any = self.cycle
        if last is None or last.more_body or last.response_complete:
            return False
        if self._rest is None:
            last.keep_alive = False
        return True

    def _go_on(self) -> None:
        """Wait for the next request, or hand the connection back."""
        if self._rest is None:
            super()._go_on()
        else:
            self.loop.call_soon(self._leave, self._rest)

    def _leave(self, _rest: bytes) -> None:
        """Hand the connection back once everything is written."""
        if self.transport.is_closing() or self._rest is None:
            return
        if self.transport.get_write_buffer_size():
            self._expect_reading()
            self.loop.call_later(_FLUSH_LOOK_SECONDS, self._leave, self._rest)
        elif self._give_back(self.transport.get_extra_info("socket").fileno(), self._rest):
            self.transport.abort()  # this process's copy
        else:
            self._give_up(NOT_GIVEN_BACK, "not_given_back")


class HandedConnections:
    """The back server's end: keeps a channel to the front server, and serves its connections.

    `make` creates a `HandedConnection`.
    """

    def __init__(self, address: str | bytes, app: HandingApp, make: Callable[..., HandedConnection]) -> None:
        self._address = address
        self._make = make
        self._loop = asyncio.get_running_loop()
        self._channel: Channel | None = None
        self._is_stopping = False
        self._sockets = GatheredSockets(app.rest)
        self._serves = lru_cache(maxsize=_PATHS_KEPT)(lambda path: app.serves(path.decode("latin-1")))
        self._connect()

    def _connect(self) -> None:
        if self._is_stopping:
            return
        try:
            self._channel = Channel.connect(self._address, self._take, self._lost)
        except OSError:
            self._lost()

    def _lost(self) -> None:
        self._channel = None
        if not self._is_stopping:
            self._loop.call_later(_CONNECT_AGAIN_SECONDS, self._connect)

    def _take(self, connection: socket.socket, began: bytes) -> None:
        self._sockets.add(connection, self._make(began=began, serves=self._serves, give_back=self._give_back))

    def _give_back(self, descriptor: int, unread: bytes) -> bool:
        return self._channel is not None and self._channel.send(descriptor, unread)

    def stop(self) -> None:
        """Accept no more connections."""
        self._is_stopping = True
        if self._channel is not None:
            self._channel.stop()
        self._sockets.stop()
