"""FastAPI with the ingest endpoints in front of it."""

from typing import Any

from fastapi import FastAPI
from hearback_contracts.routes import service_of
from hearback_kit.http_server.cycle import RequestCycle
from starlette.types import Receive, Scope, Send

from envelope_gateway.api.deps import AppState
from envelope_gateway.api.openapi import ingest_paths
from envelope_gateway.settings import Settings


class GatewayApp(FastAPI):
    """The gateway's app; `ingest` is set on startup."""

    ingest: AppState | None = None

    def try_fast_path(self, cycle: RequestCycle) -> bool:
        """Handle an envelope without ASGI; False leaves it to `__call__` (`hearback_kit.http_server.protocol`)."""
        return self.ingest is not None and self.ingest.fast_path(cycle)

    def rest(self, read_at: float, now: float) -> float:
        """Return the seconds until clients must be read from again (see `hearback_kit.http_server.gathered`)."""
        return 0.0 if self.ingest is None else self.ingest.fast_path.rest(read_at, now)

    def serves(self, path: str) -> bool:
        """Return whether the route table assigns a path to the gateway (see `hearback_kit.http_server.handed`)."""
        return service_of(path) == Settings.service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle ingest requests without FastAPI, and all others with it."""
        ingest = self.ingest
        if ingest is None or scope["type"] != "http" or not await ingest.router(scope, receive, send):
            await super().__call__(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document, including the ingest endpoints."""
        if self.openapi_schema is None:
            document = super().openapi()
            document["paths"] = {**document["paths"], **ingest_paths()}
        assert self.openapi_schema is not None, "the document was just made"
        return self.openapi_schema
