"""Route ingest requests in plain ASGI, since FastAPI would double the cost of a request."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from hearback_kit.logs import get_logger

from envelope_gateway.api.bodies.reader import ClientGone
from envelope_gateway.api.endpoints import ENDPOINTS, Endpoint, Handler
from envelope_gateway.api.serializers import Receive, Send, send_method_not_allowed, send_preflight, send_refusal
from envelope_gateway.domain.refusals import Refused
from envelope_gateway.metrics import CRASHES, REQUESTS

_log = get_logger(__name__)


class IngestCall(NamedTuple):
    """A request to an endpoint; `parameters` are those in its path."""

    endpoint: Endpoint
    parameters: Mapping[str, str]
    scope: Any
    receive: Receive
    send: Send

    @property
    def project(self) -> str | None:
        """The unvalidated project id in the path."""
        return self.parameters.get("project_id")

    @property
    def path_key(self) -> str | None:
        """The public key in the path."""
        return self.parameters.get("public_key")


class IngestHandler(Protocol):
    """Answers requests of one or more endpoints."""

    async def __call__(self, call: IngestCall) -> int:
        """Answer a request and return the status. Raise `Refused` for error answers."""


class IngestRouter:
    """Routes requests to their handlers and answers errors; `Retry-After` of a 503 is `retry_after_seconds`."""

    def __init__(self, handlers: Mapping[Handler, IngestHandler], retry_after_seconds: int) -> None:
        self._handlers = handlers
        self._retry_after = ("retry-after", str(retry_after_seconds))

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> bool:
        """Answer a request; return False if its path is not an ingest endpoint's."""
        path = scope["path"]
        found = match_path(path) if path.startswith("/api") else None
        if found is None:
            return False
        endpoint, parameters = found
        if scope["method"] == "OPTIONS":
            await send_preflight(send, scope["headers"])
        elif scope["method"] not in endpoint.methods:
            await send_method_not_allowed(send, endpoint.methods)
        else:
            await self._handle(IngestCall(endpoint, parameters, scope, receive, send))
        return True

    async def _handle(self, call: IngestCall) -> None:
        name = call.endpoint.name
        try:
            status = await self._handlers[call.endpoint.handler](call)
            REQUESTS.labels(name, str(status)).inc()
        except Exception as error:
            await self.answer_error(call.send, name, error)

    async def answer_error(self, send: Send, endpoint: str, error: Exception) -> None:
        """Answer a request that raised an error."""
        if isinstance(error, ClientGone):
            return
        if not isinstance(error, Refused):
            CRASHES.inc()
            _log.error("ingest_failed", endpoint=endpoint, exc_info=error)
            error = Refused(500, "internal error")
        REQUESTS.labels(endpoint, str(error.status)).inc()
        if error.status == 503:
            error.headers = (self._retry_after,)
        await send_refusal(send, error)


def match_path(path: str) -> tuple[Endpoint, Mapping[str, str]] | None:
    """Return the endpoint and parameters of a path."""
    for endpoint in ENDPOINTS:
        match = endpoint.pattern.fullmatch(path)
        if match is not None:
            return endpoint, match.groupdict()
    return None
