"""Responses of the ingest endpoints, sent as ASGI messages (protocol: http#error-bodies)."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import orjson
from hearback_kit.http_server import encode_head

from envelope_gateway.domain.refusals import Refused

Send = Callable[[Any], Awaitable[None]]
Receive = Callable[[], Awaitable[Any]]
HeaderPairs = list[tuple[bytes, bytes]]

COMMON_HEADERS: HeaderPairs = [
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"x-content-type-options", b"nosniff"),
]
CORS: HeaderPairs = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"x-sentry-error,x-sentry-rate-limits,retry-after"),
    *COMMON_HEADERS,
]
_PREFLIGHT: HeaderPairs = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"POST"),
    (
        b"access-control-allow-headers",
        b"x-sentry-auth,x-requested-with,x-forwarded-for,origin,referer,accept,content-type,"
        b"authentication,authorization,content-encoding,transfer-encoding,baggage,sentry-trace",
    ),
    (b"access-control-max-age", b"3600"),
    (b"vary", b"origin, access-control-request-method, access-control-request-headers"),
    *COMMON_HEADERS,
    (b"content-length", b"0"),
]
_ALLOW_HEADERS = b"access-control-allow-headers"
_JSON = (b"content-type", b"application/json")
PLAIN = (b"content-type", b"text/plain; charset=utf-8")
GIF = (b"content-type", b"image/gif")
_JSON_WITH_CORS = [*CORS, _JSON]
_WITH_ID = [*_JSON_WITH_CORS, (b"content-length", b"41")]
_WITHOUT_ID = [*_JSON_WITH_CORS, (b"content-length", b"2")]
_HEAD_WITH_ID = encode_head(200, tuple(_WITH_ID)) or (b"", 0)
_HEAD_WITHOUT_ID = encode_head(200, tuple(_WITHOUT_ID)) or (b"", 0)


def encode_accepted(event_id: str | None) -> tuple[bytes, bytes]:
    """Return the response of `send_accepted` as encoded head, without its final blank line, and body."""
    if event_id is None:
        return _HEAD_WITHOUT_ID[0], b"{}"
    return _HEAD_WITH_ID[0], b'{"id":"%b"}' % event_id.encode()


async def send_accepted(send: Send, event_id: str | None) -> None:
    """Send 200 with the event id, or `{}` without one."""
    await _send(send, 200, _WITHOUT_ID if event_id is None else _WITH_ID, encode_accepted(event_id)[1])


async def send_body(send: Send, status: int, body: bytes = b"", kind: tuple[bytes, bytes] | None = None) -> None:
    """Send a response with CORS headers; `kind` is its content type header."""
    headers = [*CORS, (b"content-length", b"%d" % len(body))]
    if kind is not None:
        headers.append(kind)
    await _send(send, status, headers, body)


async def send_preflight(send: Send, headers: HeaderPairs) -> None:
    """Send 200 for an OPTIONS request to an ingest route; it needs no authentication."""
    await _send(send, 200, _preflight_for(headers))


def _preflight_for(headers: HeaderPairs) -> HeaderPairs:
    """Return the answer for a page; one that traces by the W3C's headers asks for them with every request."""
    asked = next((value for name, value in headers if name == b"access-control-request-headers"), b"")
    if b"traceparent" not in asked.lower():
        return _PREFLIGHT
    more = b",traceparent,tracestate"
    return [(name, value + more if name == _ALLOW_HEADERS else value) for name, value in _PREFLIGHT]


async def send_method_not_allowed(send: Send, allowed: Iterable[str]) -> None:
    """Send 405 with the allowed methods."""
    headers = [*CORS, (b"allow", ",".join(sorted(allowed)).encode()), (b"content-length", b"0")]
    await _send(send, 405, headers)


async def send_refusal(send: Send, refused: Refused) -> None:
    """Send a refusal: `{"detail", "causes"}`, plain text, or an empty body (415)."""
    body = b""
    headers = list(CORS)
    if refused.plain:
        body = refused.detail.encode()
        headers.append(PLAIN)
    elif refused.detail:
        content: dict[str, Any] = {"detail": refused.detail}
        if refused.causes:
            content["causes"] = refused.causes
        body = orjson.dumps(content)
        headers.append(_JSON)
    headers.append((b"content-length", b"%d" % len(body)))
    headers.extend((name.encode(), value.encode()) for name, value in refused.headers)
    await _send(send, refused.status, headers, body)


async def _send(send: Send, status: int, headers: HeaderPairs, body: bytes = b"") -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
