"""Heads of requests and answers as bytes: what travels on, what stays between two neighbours."""

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Final

Headers = Sequence[tuple[bytes, bytes]]

HOP_BY_HOP: Final = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
)
# A client may not have these taken out by naming them in its Connection header.
KEPT: Final = frozenset(
    {b"host", b"content-length", b"content-type", b"content-encoding", b"authorization", b"x-sentry-auth"}
)


def find(headers: Headers, name: bytes) -> bytes | None:
    """The value of the first header with this lower-case name."""
    return next((value for key, value in headers if key.lower() == name), None)


def end_to_end(headers: Headers) -> Iterable[tuple[bytes, bytes]]:
    """The headers that travel on, as they were (RFC 9110, 7.6.1)."""
    dropped: frozenset[bytes] | set[bytes] = HOP_BY_HOP
    for key, value in headers:
        if key.lower() == b"connection" and value.lower() not in {b"close", b"keep-alive"}:
            named = {token.strip().lower() for token in value.split(b",")}
            dropped = HOP_BY_HOP | (named - KEPT)
    return [(key, value) for key, value in headers if key.lower() not in dropped]


def request_head(method: bytes, target: bytes, headers: Headers, *, client_ip: bytes, chunked: bool) -> bytes:
    """The head for the service: `target` and headers as they came, plus who asked."""
    parts = [method, b" ", target, b" HTTP/1.1\r\n"]
    forwarded_for = []
    proto = None
    for key, value in end_to_end(headers):
        lower = key.lower()
        if lower == b"x-forwarded-for":
            forwarded_for.append(value)
            continue
        if lower == b"x-forwarded-proto":
            proto = value
            continue
        parts += (key, b": ", value, b"\r\n")
    parts += (b"X-Forwarded-For: ", b", ".join([*forwarded_for, client_ip]), b"\r\n")
    parts += (b"X-Forwarded-Proto: ", proto or b"http", b"\r\n")
    if chunked:
        parts.append(b"Transfer-Encoding: chunked\r\n")
    parts.append(b"\r\n")
    return b"".join(parts)


def answer_head(status: int, reason: bytes, headers: Headers, *, chunked: bool, connection: bytes | None) -> bytes:
    """The head for the client."""
    parts = [b"HTTP/1.1 ", str(status).encode(), b" ", reason, b"\r\n"]
    for key, value in end_to_end(headers):
        parts += (key, b": ", value, b"\r\n")
    if chunked:
        parts.append(b"Transfer-Encoding: chunked\r\n")
    if connection is not None:
        parts += (b"Connection: ", connection, b"\r\n")
    parts.append(b"\r\n")
    return b"".join(parts)


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def reason_of(status: int) -> bytes:
    """The usual words beside a status code."""
    return HTTPStatus(status).phrase.encode()


LAST_CHUNK: Final = b"0\r\n\r\n"
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
