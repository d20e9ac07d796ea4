"""The ingest endpoints as one plain ASGI callable; whatever is not theirs goes on to FastAPI.

FastAPI costs several times what the whole of an ordinary request may (reference: peers 4).
"""

import re
from typing import Any

from hearback_kit.logs import get_logger

from envelope_gateway.api.answers import Receive, Send, send_method_not_allowed, send_preflight, send_refusal
from envelope_gateway.api.attachments import AttachmentEndpoint
from envelope_gateway.api.bodies import ClientGone
from envelope_gateway.api.discards import DiscardEndpoint
from envelope_gateway.api.envelopes import EnvelopeEndpoint
from envelope_gateway.api.store import StoreEndpoint
from envelope_gateway.domain.refusals import Refused
from envelope_gateway.metrics import CRASHES, REQUESTS

_SLASHES = re.compile(r"/{2,}")
_PROJECT = r"/api/(?P<project>[^/]+)"
_PATHS = re.compile(
    "|".join(
        (
            rf"(?P<envelope>{_PROJECT}/envelope/)",
            r"(?P<legacy_store>/api/store/)",
            r"(?P<store>/api/(?P<p1>[^/]+)/store/)",
            r"(?P<attachments>/api/(?P<p2>[^/]+)/events/(?P<event>[^/]+)/attachments/)",
            r"(?P<security>/api/(?P<p3>[^/]+)/(?:security|csp-report)/)",
            r"(?P<nel>/api/(?P<p4>[^/]+)/nel/)",
            r"(?P<minidump>/api/(?P<p5>[^/]+)/minidump/?)",
            r"(?P<unreal>/api/(?P<p6>[^/]+)/unreal/(?P<key>[^/]+)/)",
            r"(?P<cron>/api/(?P<p7>[^/]+)/cron/[^/]+(?:/(?P<cronkey>[^/]+))?/?)",
            r"(?P<upload>/api/(?P<p8>[^/]+)/upload/(?:.*)?)",
            r"(?P<otlp_logs>/api/(?P<p9>[^/]+)/integration/otlp/v1/logs/?)",
            r"(?P<otlp_traces>/api/(?P<p10>[^/]+)/integration/otlp/v1/traces/?)",
            r"(?P<integration>/api/(?P<p11>[^/]+)/integration/.+)",
        )
    )
)
ordinary_path = re.compile(r"/api/([^/]+)/envelope/").fullmatch
_STARTS = ("/api", "//")
_POST = frozenset({"POST"})
METHODS = {
    "store": frozenset({"POST", "GET"}),
    "legacy_store": frozenset({"POST", "GET"}),
    "cron": frozenset({"POST", "GET"}),
    "upload": frozenset({"POST", "PATCH"}),
}


class Ingest:
    """Routes ingest requests to their endpoints and turns refusals into answers."""

    def __init__(
        self,
        envelopes: EnvelopeEndpoint,
        store: StoreEndpoint,
        attachments: AttachmentEndpoint,
        discards: DiscardEndpoint,
    ) -> None:
        self._envelopes = envelopes
        self._store = store
        self._attachments = attachments
        self._discards = discards
        self._accepted = REQUESTS.labels("envelope", "200")

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> bool:
        """Answer a request; False, and nothing done, when its path is not an ingest endpoint's."""
        path = scope["path"]
        ordinary = ordinary_path(path)
        if ordinary is not None and scope["method"] == "POST":
            try:
                await self._envelopes(scope, receive, send, ordinary[1])
                self._accepted.inc()
            except Exception as error:
                await self.fail(send, "envelope", error)
            return True
        match = match_path(path) if path.startswith(_STARTS) else None
        if match is None:
            return False
        await self._route(match, scope, receive, send)
        return True

    async def _route(self, match: re.Match[str], scope: Any, receive: Receive, send: Send) -> None:
        name = next(key for key in NAMES if match[key] is not None)
        if scope["method"] == "OPTIONS":
            await send_preflight(send)
            return
        allowed = METHODS.get(name, _POST)
        if scope["method"] not in allowed:
            await send_method_not_allowed(send, allowed)
            return
        try:
            status = await self._call(name, match, scope, receive, send)
            REQUESTS.labels(name, str(status)).inc()
        except Exception as error:
            await self.fail(send, name, error)

    async def _call(self, name: str, match: re.Match[str], scope: Any, receive: Receive, send: Send) -> int:
        project = next((match[key] for key in _PROJECTS if match[key] is not None), "")
        if name == "envelope":
            return await self._envelopes(scope, receive, send, project)
        if name in {"store", "legacy_store"}:
            return await self._store(scope, receive, send, project or None)
        if name == "attachments":
            return await self._attachments(scope, receive, send, project, match["event"])
        if name == "security":
            return await self._discards.security(scope, receive, send, project)
        return await self._discards(scope, receive, send, name, project, match["key"] or match["cronkey"])

    async def fail(self, send: Send, endpoint: str, error: Exception) -> None:
        """Answer a request that met an error."""
        if isinstance(error, ClientGone):
            return
        if not isinstance(error, Refused):
            CRASHES.inc()
            get_logger(__name__).error("ingest_failed", endpoint=endpoint, exc_info=error)
            error = Refused(500, "internal error")
        REQUESTS.labels(endpoint, str(error.status)).inc()
        await send_refusal(send, error)


NAMES = (
    "envelope",
    "store",
    "legacy_store",
    "attachments",
    "security",
    "nel",
    "minidump",
    "unreal",
    "cron",
    "upload",
    "otlp_logs",
    "otlp_traces",
    "integration",
)
_PROJECTS = ("project", *(f"p{number}" for number in range(1, 12)))


def match_path(path: str) -> re.Match[str] | None:
    """Match a path, whose runs of slashes count as one, against the ingest endpoints."""
    return _PATHS.fullmatch(_SLASHES.sub("/", path) if "//" in path else path)
