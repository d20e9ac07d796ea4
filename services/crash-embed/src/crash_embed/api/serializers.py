"""Responses of the dialog's path (protocol: dialog#checks)."""

from collections.abc import Mapping
from typing import Any, Final

import orjson
from starlette.responses import Response

from crash_embed.api.params import EmbedRequest
from crash_embed.errors import Refusal

_CORS: Final = {
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Max-Age": "1000",
    "Access-Control-Allow-Headers": "Content-Type, Authorization, X-Requested-With, baggage, sentry-trace",
    "Access-Control-Expose-Headers": "X-Sentry-Context, Retry-After",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}
_SCRIPT_HEADERS: Final = _CORS | {
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "no-cache",
    "Vary": "Accept, Accept-Encoding, Accept-Language, Origin, Referer",
}


def json_answer(
    request: EmbedRequest,
    status: int,
    body: Mapping[str, Any] | None = None,
    *,
    context: bool = False,
    retry_after_seconds: int | None = None,
) -> Response:
    """Return JSON, or for `Accept: text/javascript` an empty script whose header carries the context."""
    headers = _CORS | {"Access-Control-Allow-Origin": request.origin, "Vary": "Accept, Origin"}
    headers["Cache-Control"] = "no-store"
    if request.asks_w3c_headers:
        headers["Access-Control-Allow-Headers"] += ", traceparent, tracestate"
    if retry_after_seconds is not None:
        headers["Retry-After"] = str(retry_after_seconds)
    raw = orjson.dumps(body or {})
    if not request.accepts_script:
        return Response(raw, status, headers, media_type="application/json")
    if body and context:
        headers["X-Sentry-Context"] = raw.decode()
    return Response(b"", status, headers, media_type="text/javascript")


def refusal_answer(request: EmbedRequest, refusal: Refusal) -> Response:
    """Return a refusal, its context in the body or the header."""
    answer = json_answer(
        request, refusal.status, refusal.context, context=True, retry_after_seconds=refusal.retry_after_seconds
    )
    if refusal.status == 415:
        answer.headers["Accept-Encoding"] = "identity"
    return answer


def script_answer(request: EmbedRequest, body: bytes, etag: str, *, gzip: bool) -> Response:
    """Return the script; without its body for HEAD."""
    headers = _SCRIPT_HEADERS | {"ETag": etag, "Content-Length": str(len(body))}
    if gzip:
        headers["Content-Encoding"] = "gzip"
    return Response(b"" if request.method == "HEAD" else body, 200, headers, media_type="text/javascript")


def not_modified_answer(etag: str) -> Response:
    """Return 304."""
    return Response(b"", 304, _SCRIPT_HEADERS | {"ETag": etag})
