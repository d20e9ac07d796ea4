"""Error responses of the server itself; the connection is closed afterwards."""

from typing import Any, Final

TIMED_OUT: Final = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_WHY_431 = b'{"detail":"The request\'s headers are too large.","code":"head_too_large"}'
HEAD_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: application/json\r\n"
    b"x-content-type-options: nosniff\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
    % (len(_WHY_431), _WHY_431)
)
_WHY_503 = b'{"detail":"Too many connections; try again.","code":"too_many_connections"}'
TOO_MANY_CONNECTIONS: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 5\r\n"
    b"x-content-type-options: nosniff\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
    % (len(_WHY_503), _WHY_503)
)
_WHY_NOT_BACK = b'{"detail":"The server in front is not there; try again.","code":"unavailable"}'
NOT_GIVEN_BACK: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\n"
    b"x-content-type-options: nosniff\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"
    % (len(_WHY_NOT_BACK), _WHY_NOT_BACK)
)
_WHY_429 = b'{"detail":"Too many requests were sent without waiting for answers.","code":"too_many_requests"}'


async def refuse_pipelined(_scope: Any, _receive: Any, send: Any) -> None:
    """Refuse a pipelined request beyond the limit (an ASGI application)."""
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(_WHY_429)),
        (b"x-content-type-options", b"nosniff"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 429, "headers": headers})
    await send({"type": "http.response.body", "body": _WHY_429})
