"""Builds the heads of forwarded requests and responses."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

# Lower-case name for look-ups, then name and value as received.
Header = tuple[bytes, bytes, bytes]
Headers = Sequence[Header]

HOP_BY_HOP: Final = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
)
# A client may not remove these by naming them in its Connection header.
KEPT: Final = frozenset(
    {b"host", b"content-length", b"content-type", b"content-encoding", b"authorization", b"x-sentry-auth"}
)


def header(name: bytes, value: bytes) -> Header:
    """Return a header, with its lower-case name first."""
    return name.lower(), name, value


def find(headers: Headers, name: bytes) -> bytes | None:
    """Return the value of the first header with this lower-case name, or None."""
    for lower, _, value in headers:
        if lower == name:
            return value
    return None


def says_close(headers: Headers) -> bool:
    """Return whether a Connection header closes the connection after this message."""
    return b"close" in _connection_options(headers)


def _connection_options(headers: Headers) -> set[bytes]:
    values = [value for lower, _, value in headers if lower == b"connection"]
    return {option.strip().lower() for value in values for option in value.split(b",")}


def _dropped(headers: Headers) -> frozenset[bytes]:
    """Return the names of headers that are not forwarded (RFC 9110, 7.6.1)."""
    options = _connection_options(headers) - KEPT
    return HOP_BY_HOP if options <= HOP_BY_HOP else HOP_BY_HOP | options


def request_head(method: bytes, target: bytes, headers: Headers, *, client_ip: bytes, chunked: bool) -> bytes:
    """Return the head for the service: the received target and headers, and the forwarding headers."""
    parts = [b"%b %b HTTP/1.1\r\n" % (method, target)]
    dropped = _dropped(headers)
    forwarded_for = client_ip
    proto = b"http"
    for lower, name, value in headers:
        if lower in dropped:
            continue
        if lower == b"x-forwarded-for":
            forwarded_for = b"%b, %b" % (value, forwarded_for)
        elif lower == b"x-forwarded-proto":
            proto = value
        else:
            parts.append(b"%b: %b\r\n" % (name, value))
    parts.append(b"X-Forwarded-For: %b\r\nX-Forwarded-Proto: %b\r\n" % (forwarded_for, proto))
    if chunked:
        parts.append(b"Transfer-Encoding: chunked\r\n")
    parts.append(b"\r\n")
    return b"".join(parts)


def answer_head(status: int, reason: bytes, headers: Headers, *, chunked: bool, connection: bytes | None) -> bytes:
    """Return the head for the client."""
    parts = [b"HTTP/1.1 %d %b\r\n" % (status, reason)]
    dropped = _dropped(headers)
    parts += [b"%b: %b\r\n" % (name, value) for lower, name, value in headers if lower not in dropped]
    if chunked:
        parts.append(b"Transfer-Encoding: chunked\r\n")
    if connection is not None:
        parts.append(b"Connection: %b\r\n" % connection)
    parts.append(b"\r\n")
    return b"".join(parts)


def chunk(data: bytes) -> bytes:
    """Return a chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def reason_of(status: int) -> bytes:
    """Return the standard reason phrase of a status code."""
    return HTTPStatus(status).phrase.encode()


LAST_CHUNK: Final = b"0\r\n\r\n"
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
