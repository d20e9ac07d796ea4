"""The request/response cycle of our servers' protocol.

A plain response is a head with a content length, then the body. Encoded heads are cached by their headers and
written together with the body. Any other response is left to uvicorn.
"""

import asyncio
from functools import lru_cache
from typing import Any

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HEADER_RE, HEADER_VALUE_RE, STATUS_LINE, RequestResponseCycle

HEADS_KEPT = 1_024
_NOT_PLAIN = frozenset({b"connection", b"transfer-encoding"})
_CLOSE = b"connection: close\r\n"
Headers = tuple[tuple[bytes, bytes], ...]


@lru_cache(maxsize=HEADS_KEPT)
def encode_head(status: int, headers: Headers) -> tuple[bytes, int] | None:
    """Return a plain head without its final blank line, and its content length; None for any other head."""
    parts = [STATUS_LINE[status]]
    lengths = []
    for given, value in headers:
        name = given.lower()
        if name in _NOT_PLAIN or HEADER_RE.search(name) or HEADER_VALUE_RE.search(value):
            return None
        if name == b"content-length":
            lengths.append(value)
        parts += (name, b": ", value, b"\r\n")
    if len(lengths) != 1 or not lengths[0].isdigit():
        return None
    return b"".join(parts), int(lengths[0])


@lru_cache(maxsize=4)
def _encode_end(headers: Headers) -> bytes:
    """Encode the headers that uvicorn adds, such as Date, and the final blank line."""
    return b"".join([b"%b: %b\r\n" % pair for pair in headers]) + b"\r\n"


class RequestCycle(RequestResponseCycle):
    """A request and its response."""

    def __init__(self, protocol: Any, scope: Any, keep_alive: bool) -> None:
        self._start = protocol.start
        self.scope = scope
        self.keep_alive = keep_alive
        self.transport = protocol.transport
        self.flow = protocol.flow
        self.logger = protocol.logger
        self.access_logger = protocol.access_logger
        self.access_log = protocol.access_log
        self.default_headers = protocol.server_state.default_headers
        self.on_response = protocol.on_response_complete
        self.waiting_for_100_continue = protocol.expect_100_continue
        self.disconnected = False
        self.body: bytes | bytearray = b""  # type: ignore[assignment]
        self.more_body = True
        self.response_started = False
        self.response_complete = False
        self.chunked_encoding: bool | None = None
        self.expected_content_length = 0
        self._news = False
        self._event: asyncio.Event | None = None
        self._head: bytes | None = None

    @property
    def message_event(self) -> asyncio.Event:  # type: ignore[override]
        """An event for a pending `receive()`; created lazily."""
        if self._event is None:
            self._event = asyncio.Event()
        return self._event

    def has_short_body(self) -> bool:
        """Whether the content length is no more than what is read ahead."""
        length = next((value for name, value in self.scope["headers"] if name == b"content-length"), b"")
        return length.isdigit() and int(length) <= HIGH_WATER_LIMIT

    def answers_last(self) -> bool:
        """Close the connection after the response; return False if that was sent, or the request is incomplete."""
        if self.more_body or self.response_complete:
            return False
        self.keep_alive = False
        return True

    def feed_body(self, body: bytes, *, more: bool) -> None:
        """Buffer a chunk of the body, the last one unless `more`."""
        if not self.body:
            self.body = body
        elif body:
            if not isinstance(self.body, bytearray):
                self.body = bytearray(self.body)
            self.body += body
        self.more_body = more
        self._news = True
        if self._event is not None:
            self._event.set()

    async def receive(self) -> Any:
        """Return the next ASGI message: body received since the last call, or a disconnect."""
        if self.waiting_for_100_continue and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.waiting_for_100_continue = False
        while not self.disconnected and not self.response_complete:
            if self._news:
                self._news = False
                body, self.body = self.body, b""
                return {"type": "http.request", "body": bytes(body), "more_body": self.more_body}
            self.flow.resume_reading()
            event = self.message_event
            event.clear()
            await event.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        """Send an ASGI message; a plain head is held until its body follows."""
        if not self.response_started:
            if self._hold(message):
                return
        elif self._head is not None:
            head, self._head = self._head + self._end(), None
            if self._is_whole(message):
                self._finish(head + message["body"])
                return
            if not self.disconnected:
                self.transport.write(head)
        await super().send(message)

    def _hold(self, message: Any) -> bool:
        """Hold the head of a plain response."""
        if (
            message["type"] != "http.response.start"
            or not self.keep_alive
            or self.access_log
            or self.scope["method"] == "HEAD"
        ):
            return False
        head = encode_head(message["status"], tuple(message.get("headers", ())))
        if head is None:
            return False
        self.response_started = True
        self.waiting_for_100_continue = False
        self.chunked_encoding = False
        self._head, self.expected_content_length = head
        return True

    def _is_whole(self, message: Any) -> bool:
        """Return whether a message is the complete body that the held head declares."""
        return (
            message["type"] == "http.response.body"
            and len(message.get("body", b"")) == self.expected_content_length > 0
            and not message.get("more_body")
            and not self.disconnected
            and not self.flow.write_paused
        )

    def answer(self, head: bytes, body: bytes) -> None:
        """Respond to a request of the fast path; `head` comes from `encode_head`."""
        if not self.disconnected:
            self.response_started = True
            self._finish(b"".join((head, self._end(), body)))

    def run_app(self, app: Any) -> None:
        """Run an ASGI application for a request of the fast path."""
        self._start(self, app)

    def _end(self) -> bytes:
        end = _encode_end(tuple(self.default_headers))
        return end if self.keep_alive else _CLOSE + end

    def _finish(self, data: bytes) -> None:
        """Write the end of a response."""
        self.transport.write(data)
        self.response_complete = True
        if self._event is not None:
            self._event.set()
        if not self.keep_alive:
            self.transport.close()
        on_response, self.on_response = self.on_response, _nothing
        on_response()


def _nothing() -> None:
    """Replaces the callback of a finished cycle."""
