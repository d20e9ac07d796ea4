"""Which requests the edge refuses before it forwards anything."""

import httptools
import pytest
from hearback_local.edge.requests import NOT_HTTP, Refusal, RequestHead, RequestParser, refusal_of

BYTES_MAX = 64 * 1024
POST = b"POST /api/1/envelope/ HTTP/1.1\r\nHost: fleet\r\n"


def verdict(request: bytes) -> Refusal | None:
    """What the edge answers in a service's place; the parser's own refusals included."""
    heads: list[RequestHead] = []
    parser = RequestParser(heads.append, lambda _: None, lambda: None)
    try:
        parser.feed(request)
    except httptools.HttpParserError:
        if not heads:
            return NOT_HTTP
    assert heads, "the head is not complete"
    return refusal_of(heads[0], BYTES_MAX)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\r\nHost: fleet:8000\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        POST + b"Content-Length: 0\r\n\r\n",
        POST + b"Transfer-Encoding: Chunked\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: fleet\r\n\r\n",
    ],
)
def test_ordinary_request_is_accepted(request_bytes: bytes) -> None:
    assert verdict(request_bytes) is None


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        # No or several hosts, or what is not a host.
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: user@a\r\n\r\n", 400),
        # Other versions.
        (b"GET /\r\n\r\n", 505),
        (b"GET / HTTP/0.9\r\n\r\n", 505),
        (b"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        # Lengths that can be read in two ways.
        (POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400),
        (POST + b"Content-Length: 1, 1\r\n\r\n", 400),
        (POST + b"Content-Length: +1\r\n\r\n", 400),
        (POST + b"Content-Length: 0x1\r\n\r\n", 400),
        (POST + b"Content-Length: -1\r\n\r\n", 400),
        (POST + b"Content-Length: 99999999999999999999\r\n\r\n", 400),
        (POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: chunked, identity\r\n\r\n", 400),
        (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n", 400),
        # Headers that hide others.
        (POST + b"Content-Length : 1\r\n\r\n", 400),
        (POST + b" Content-Length: 1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: a\n\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n", 400),
        (b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        # Not a proxy, not another protocol.
        (b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 405),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * BYTES_MAX + b"\r\n\r\n", 431),
    ],
)
def test_request_that_is_not_plain_http_is_refused(request_bytes: bytes, status: int) -> None:
    refusal = verdict(request_bytes)
    assert refusal is not None
    assert refusal.status == status
