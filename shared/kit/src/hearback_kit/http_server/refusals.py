"""Responses of the server itself; the connection is closed afterwards.

A page of any origin can read them, since each path may be one that SDKs call.
"""

from typing import Any, Final

CORS: Final = ((b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", b"retry-after"))
_CLOSING: Final = (*CORS, (b"x-content-type-options", b"nosniff"), (b"connection", b"close"))
_JSON: Final = (b"content-type", b"application/json")


def _answer(status: bytes, body: bytes = b"", retry_seconds: int | None = None) -> bytes:
    headers = [*_CLOSING, (b"content-length", b"%d" % len(body))]
    if body:
        headers.append(_JSON)
    if retry_seconds is not None:
        headers.append((b"retry-after", b"%d" % retry_seconds))
    return b"HTTP/1.1 %b\r\n%b\r\n%b" % (status, b"".join(b"%b: %b\r\n" % pair for pair in headers), body)


ALIVE: Final = _answer(b"200 OK", b'{"status":"ok"}')
TIMED_OUT: Final = _answer(b"408 Request Timeout")
HEAD_TOO_LARGE: Final = _answer(
    b"431 Request Header Fields Too Large",
    b'{"detail":"The request\'s headers are too large.","code":"head_too_large"}',
)
TOO_MANY_CONNECTIONS: Final = _answer(
    b"503 Service Unavailable",
    b'{"detail":"Too many connections; try again.","code":"too_many_connections"}',
    retry_seconds=5,
)
NOT_GIVEN_BACK: Final = _answer(
    b"503 Service Unavailable",
    b'{"detail":"The server in front is not there; try again.","code":"unavailable"}',
    retry_seconds=1,
)
_WHY_429 = b'{"detail":"Too many requests were sent without waiting for answers.","code":"too_many_requests"}'


async def refuse_pipelined(_scope: Any, _receive: Any, send: Any) -> None:
    """Refuse a pipelined request beyond the limit (an ASGI application)."""
    headers = [*_CLOSING, _JSON, (b"content-length", b"%d" % len(_WHY_429))]
    await send({"type": "http.response.start", "status": 429, "headers": headers})
    await send({"type": "http.response.body", "body": _WHY_429})
