"""Parses clients' requests, and refuses ambiguous ones.

Servers that parse a request differently allow request smuggling (RFC 9112, 11.2), so anything but plain HTTP/1.1
(or 1.0) is refused here.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import httptools
from hearback_kit.http_server.channel import HOST, plain_length
from hearback_kit.http_server.scopes import plain_head

from hearback_local.edge import heads

VERSIONS = frozenset({"1.0", "1.1"})
LENGTH = re.compile(rb"[0-9]{1,18}")


class Refusal(NamedTuple):
    """An error response of the edge."""

    status: int
    code: str
    detail: str


HEAD_TOO_LARGE = Refusal(431, "head_too_large", "The request's headers are too large.")
NOT_A_PROXY = Refusal(405, "method_not_allowed", "This is not a proxy.")
NOT_HTTP = Refusal(400, "bad_request", "This is not a valid HTTP/1.1 request.")


@dataclass(slots=True)
class RequestHead:
    """The head of a request, as received."""

    target: bytes = b""
    headers: list[heads.Header] = field(default_factory=list)
    method: bytes = b"GET"
    version: str = "1.1"
    keep_alive: bool = False
    upgrades: bool = False

    # From the headers, by `read_framing`.
    hosts: int = 0
    host: bytes = b""
    lengths: list[bytes] = field(default_factory=list)
    encodings: list[bytes] = field(default_factory=list)
    size: int = 0
    expects_continue: bool = False

    def read_framing(self) -> None:
        """Read host, body framing and head size from the headers, in one pass."""
        size = len(self.target)
        for lower, name, value in self.headers:
            size += len(name) + len(value) + 4
            if lower == b"host":
                self.hosts += 1
                self.host = value
            elif lower == b"content-length":
                self.lengths.append(value)
            elif lower == b"transfer-encoding":
                self.encodings.append(value)
            elif lower == b"expect":
                self.expects_continue = True
        self.size = size

    @property
    def is_plain(self) -> bool:
        """Whether the request may be handed over with its connection."""
        pairs = ((lower, value) for lower, _, value in self.headers)
        is_post = self.method == b"POST" and self.version == "1.1" and not self.upgrades
        return is_post and plain_length(pairs) is not None

    @property
    def is_chunked(self) -> bool:
        """Whether the body has a transfer encoding."""
        return bool(self.encodings)

    @property
    def length(self) -> int | None:
        """The length of the body; 0 without one, None if chunked."""
        if self.encodings:
            return None
        return int(self.lengths[0]) if self.lengths else 0


def refusal_of(head: RequestHead, bytes_max: int) -> Refusal | None:
    """Return the refusal of a request, or None if it may be forwarded."""
    if head.size > bytes_max:
        return HEAD_TOO_LARGE
    if head.version not in VERSIONS:
        return Refusal(505, "http_version_not_supported", "Only HTTP/1.1 and HTTP/1.0 are spoken here.")
    if refusal := _host_refusal(head) or _framing_refusal(head):
        return refusal
    return NOT_A_PROXY if head.method == b"CONNECT" else None


def _host_refusal(head: RequestHead) -> Refusal | None:
    if head.hosts > 1 or (not head.hosts and head.version == "1.1"):
        return Refusal(400, "bad_request", "A request has exactly one Host header.")
    if not HOST.fullmatch(head.host):
        return Refusal(400, "bad_request", "The Host header is not a host name.")
    return None


def _framing_refusal(head: RequestHead) -> Refusal | None:
    encodings, lengths = head.encodings, head.lengths
    if encodings and (lengths or len(encodings) > 1 or head.version == "1.0"):
        return Refusal(400, "ambiguous_length", "The length of the body is given in more than one way.")
    if encodings and encodings[0].lower() != b"chunked":
        return Refusal(
            501, "unsupported_transfer_encoding", "The only transfer encoding that is supported is chunked."
        )
    if len(lengths) > 1 or (lengths and not LENGTH.fullmatch(lengths[0])):
        return Refusal(400, "ambiguous_length", "Content-Length must be given once, as a number.")
    return None


class RequestParser:
    """Parses a client's bytes, with a callback for each head, body part and end of a request."""

    def __init__(
        self, on_head: Callable[[RequestHead], None], on_body: Callable[[bytes], None], on_end: Callable[[], None]
    ) -> None:
        self.head_bytes = 0
        self._on_head = on_head
        self._head = RequestHead()
        self._in_head = True
        self._on_end = on_end
        self.on_body = on_body  # A callback of the parser, which looks it up when it is made.
        self._parser = httptools.HttpRequestParser(self)
        self._plain = b""  # the head of a request that offers another protocol, without the offer

    def feed(self, data: bytes) -> None:
        """Parse bytes, and set `head_bytes` to an upper bound of an unfinished head's size, or 0.

        Raises httptools.HttpParserError if they are not HTTP.
        """
        if self._in_head:
            self.head_bytes += len(data)
        while data:
            try:
                self._parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as upgrade:
                # The offered protocol is not accepted; the request itself is served as usual.
                self._parser = httptools.HttpRequestParser(self)
                data = self._plain + data[upgrade.args[0] :]

    def on_message_begin(self) -> None:
        self._head = RequestHead()
        self._in_head = True

    def on_url(self, part: bytes) -> None:
        self._head.target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # Trailers are dropped.
            self._head.headers.append((name.lower(), name, value))

    def on_headers_complete(self) -> None:
        head, parser = self._head, self._parser
        head.method = parser.get_method()
        head.version = parser.get_http_version()
        if parser.should_upgrade() and head.method != b"CONNECT":
            pairs = ((name, value) for _, name, value in head.headers)
            self._plain = plain_head(head.method, head.target, head.version, pairs)
            return
        self._in_head = False
        self.head_bytes = 0
        head.keep_alive = parser.should_keep_alive()
        head.upgrades, self._plain = bool(self._plain), b""
        head.read_framing()
        self._on_head(head)

    def on_message_complete(self) -> None:
        if self._plain:
            return
        self._in_head = True
        self._on_end()
