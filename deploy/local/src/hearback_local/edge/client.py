"""A client's connection to the edge."""

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, cast

import httptools

from hearback_local.edge import heads
from hearback_local.edge.exchange import Exchange

if TYPE_CHECKING:
    from hearback_local.edge.server import Edge

UNFRAMED = (b"content-length", b"transfer-encoding")


class ClientConnection(asyncio.Protocol):
    """Parses requests; they are served one after the other, pipelined ones wait their turn."""

    def __init__(self, edge: "Edge") -> None:
        self.is_stopping = False
        self._edge = edge
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._client_ip = b"unknown"
        self._target = b""
        self._headers: list[heads.Header] = []
        self._in_head = True
        self._head_bytes = 0
        self._touched = edge.now()
        self._reading: Exchange | None = None
        self._waiting: deque[tuple[Exchange, Any]] = deque()
        self._current: Exchange | None = None
        self._held_for_order = False
        self._writing_paused = False
        self._lingering = False
        self._sends_no_more = False

    @property
    def now(self) -> float:
        """The time of the loop."""
        return self._edge.now()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = stream = cast("asyncio.Transport", transport)
        peer = stream.get_extra_info("peername")
        if peer:
            self._client_ip = str(peer[0]).encode()
        self._edge.clients.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._edge.client_left(self)
        self._transport = None
        if self._current is not None:
            self._current.abandon()
        for exchange, _ in self._waiting:
            exchange.abandon()
        self._waiting.clear()
        self._current = self._reading = None

    def data_received(self, data: bytes) -> None:
        self._touched = self._edge.now()
        if self._lingering:
            self._edge.count_discarded(self, len(data))
            return
        if self._in_head:
            self._head_bytes += len(data)
        try:
            self._feed(data)
        except httptools.HttpParserCallbackError:
            self.abort()
            raise
        except httptools.HttpParserError:
            self._refuse(400, "bad_request", "This is not a valid HTTP/1.1 request.")
            return
        if self._in_head and self._head_bytes > self._edge.options.head_bytes_max:
            self._refuse(431, "head_too_large", "The request's headers are too large.")

    def _feed(self, data: bytes) -> None:
        while data:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                # The offer to change the protocol is not taken; the request itself was served as usual.
                self._parser = httptools.HttpRequestParser(self)
                data = data[upgrade.args[0] :]
                continue
            return

    def eof_received(self) -> bool:
        # Whoever only ends its own side still reads; a request that is cut off has nobody to answer.
        self._sends_no_more = True
        return self._reading is None and self._current is not None

    # The parser's callbacks.

    def on_message_begin(self) -> None:
        self._target = b""
        self._headers = []
        self._in_head = True

    def on_url(self, part: bytes) -> None:
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:
            self._headers.append((name.lower(), name, value))

    def on_headers_complete(self) -> None:
        self._in_head = False
        headers, parser = self._headers, self._parser
        size = len(self._target) + sum([len(name) + len(value) + 4 for _, name, value in headers])
        self._head_bytes = 0
        encoding = heads.find(headers, b"transfer-encoding")
        refusal = self._refusal(size, encoding)
        exchange = Exchange(
            self,
            parser.get_method(),
            keep_alive=parser.should_keep_alive() and refusal is None,
            is_http10=parser.get_http_version() == "1.0",
            chunked=encoding is not None,
        )
        exchange.request_done = encoding is None and heads.find(headers, b"content-length") in {None, b"0"}
        self._reading = exchange
        start = refusal or (self._target, headers)
        if self._current is None:
            self._current = exchange
            self._start(exchange, start)
        else:
            self._waiting.append((exchange, start))
            self._held_for_order = True
            self.pause_reading()

    def _refusal(self, size: int, encoding: bytes | None) -> tuple[int, str, str] | None:
        if size > self._edge.options.head_bytes_max:
            return 431, "head_too_large", "The request's headers are too large."
        if encoding is not None and encoding.lower() != b"chunked":
            return 501, "unsupported_transfer_encoding", "Only chunked is understood as a transfer encoding."
        if self._parser.get_method() == b"CONNECT":
            return 405, "method_not_allowed", "This is not a proxy."
        if self._parser.should_upgrade() and any(header[0] in UNFRAMED for header in self._headers):
            return 501, "upgrade_unsupported", "A request with a body cannot change the protocol."
        return None

    def on_body(self, data: bytes) -> None:
        if self._reading is not None:
            self._reading.request_body(data)

    def on_message_complete(self) -> None:
        self._in_head = True
        exchange, self._reading = self._reading, None
        if exchange is not None:
            exchange.request_ended()

    # What an exchange asks of its client.

    def _start(self, exchange: Exchange, start: Any) -> None:
        if len(start) == 3:
            exchange.fail(*start)
            return
        target, headers = start
        self._edge.serve(exchange, target, headers, self._client_ip)

    def exchange_done(self, exchange: Exchange, *, keep: bool) -> None:
        """The answer was written completely; `keep` tells whether another request may follow."""
        self._touched = self._edge.now()
        self._current = None
        if not keep or (self._sends_no_more and not self._waiting):
            self._close_kindly(request_done=exchange.request_done)
            return
        if self._waiting:
            following, start = self._waiting.popleft()
            self._current = following
            self._start(following, start)
        elif self._held_for_order:
            self._held_for_order = False
            self.resume_reading()

    def _refuse(self, status: int, code: str, detail: str) -> None:
        """Answers what never became an exchange, and closes."""
        if self._current is not None:
            self._current.fail(status, code, detail)
            return
        exchange = Exchange(self, b"GET", keep_alive=False, is_http10=False, chunked=False)
        self._current = exchange
        exchange.fail(status, code, detail)

    def _close_kindly(self, *, request_done: bool) -> None:
        """Closes; a client that still sends gets time to read the answer before its bytes are refused."""
        if self._transport is None:
            return
        if request_done:
            self._transport.close()
            return
        self._lingering = True
        self._held_for_order = False
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self.resume_reading()

    def write(self, data: bytes) -> None:
        """Sends bytes of an answer."""
        if self._transport is not None:
            self._transport.write(data)
            self._touched = self._edge.now()

    def touch(self) -> None:
        """Something moved: the time for idling begins again."""
        self._touched = self._edge.now()

    def pause_writing(self) -> None:
        self._writing_paused = True
        if self._current is not None:
            self._current.pause_answer()

    def resume_writing(self) -> None:
        self._writing_paused = False
        self._touched = self._edge.now()
        if self._current is not None:
            self._current.resume_answer()

    def pause_reading(self) -> None:
        """Takes nothing more from the client for now."""
        if self._transport is not None and self._transport.is_reading():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Goes on, unless a pipelined request waits for its turn."""
        if self._transport is not None and not self._transport.is_closing() and not self._held_for_order:
            self._transport.resume_reading()

    def abort(self) -> None:
        """Breaks the connection."""
        if self._transport is not None:
            self._transport.abort()

    def stop(self) -> None:
        """The edge ends: closes now when idle, else after the answer."""
        self.is_stopping = True
        if self._current is None and self._transport is not None:
            self._transport.close()

    def check_idle(self, now: float) -> None:
        """Ends what has not moved for too long."""
        options = self._edge.options
        idle_seconds = now - self._touched
        if self._lingering:
            if idle_seconds > options.linger_seconds_max:
                self.abort()
        elif self._current is None:
            limit = options.head_seconds_max if self._head_bytes else options.keep_alive_seconds_max
            if idle_seconds > limit and self._transport is not None:
                self._transport.close()
        elif idle_seconds > options.idle_seconds_max:
            if self._writing_paused:
                self.abort()
            elif self._current.request_done:
                self._current.fail(504, "gateway_timeout", "The service did not answer in time.", retry_seconds=1)
            else:
                self._current.fail(408, "request_timeout", "The rest of the request did not arrive in time.")
