"""Answers in the form that the reference demands (feedback-backend 6.2)."""

from collections.abc import Mapping
from typing import Any, Final

import orjson
from starlette.responses import Response

from crash_embed.api.requests import Ask
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
    ask: Ask,
    status: int,
    body: Mapping[str, Any] | None = None,
    *,
    context: bool = False,
    retry_after_seconds: int | None = None,
) -> Response:
    """JSON, or for `Accept: text/javascript` an empty script whose header carries the context."""
    headers = _CORS | {"Access-Control-Allow-Origin": ask.origin, "Vary": "Accept"}
    headers["Cache-Control"] = "no-store"
    if retry_after_seconds is not None:
        headers["Retry-After"] = str(retry_after_seconds)
    raw = orjson.dumps(body or {})
    if not ask.accepts_script:
        return Response(raw, status, headers, media_type="application/json")
    if body and context:
        headers["X-Sentry-Context"] = raw.decode()
    return Response(b"", status, headers, media_type="text/javascript")


def refusal_answer(ask: Ask, refusal: Refusal) -> Response:
    """A refusal, its context in the body or the header."""
    return json_answer(
        ask,
        refusal.status,
        refusal.context,
        context=True,
        retry_after_seconds=refusal.retry_after_seconds,
    )


def script_answer(ask: Ask, body: bytes, etag: str, *, gzip: bool) -> Response:
    """The script; without its body for HEAD."""
    headers = _SCRIPT_HEADERS | {"ETag": etag, "Content-Length": str(len(body))}
    if gzip:
        headers["Content-Encoding"] = "gzip"
    return Response(b"" if ask.method == "HEAD" else body, 200, headers, media_type="text/javascript")


def unchanged_answer(etag: str) -> Response:
    """304: the browser has this very script."""
    return Response(b"", 304, _SCRIPT_HEADERS | {"ETag": etag})
