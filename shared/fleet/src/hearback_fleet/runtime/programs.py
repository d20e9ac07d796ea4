"""Build the HTTP app and the worker of a service."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from fastapi import FastAPI
from hearback_kit.api.bodies import INTERNAL_PREFIX
from hearback_kit.app import create_service_app
from hearback_kit.auth import SESSION_COOKIE
from hearback_kit.background import Background
from hearback_kit.clock import Clock
from hearback_kit.http import SIGNATURE_HEADER
from hearback_kit.outbox import OutboxTable, Restore, as_stored
from hearback_kit.settings import ServiceSettings
from hearback_kit.worker import Work, Worker

from hearback_fleet.runtime.service_runtime import ServiceRuntime

RESTART_SECONDS: Final = 1.0  # pause before a crashed task of an app is started again
_SCHEMES: Final[Mapping[str, Mapping[str, str]]] = {
    "token": {"type": "http", "scheme": "bearer", "description": "An API token of an organization."},
    "session": {
        "type": "apiKey", "in": "cookie", "name": SESSION_COOKIE, "description": "The session of a browser.",
    },
    "dsn": {"type": "apiKey", "in": "header", "name": "Authorization", "description": "`DSN` and a DSN."},
    "signature": {
        "type": "apiKey", "in": "header", "name": SIGNATURE_HEADER, "description": "Made with the fleet's secret.",
    },
}  # fmt: skip


def service_app(
    settings: ServiceSettings,
    *,
    title: str,
    description: str,
    build: Callable[[ServiceRuntime], Any],
    clock: Clock | None = None,
    outbox: OutboxTable | None = None,
    restore: Restore = as_stored,
    authenticates: bool = True,
    takes_tokens: bool = True,
    app_class: type[FastAPI] = FastAPI,
    **more: Any,
) -> FastAPI:
    """Return a service's HTTP app; the caller adds its routers.

    On startup, `app.state.state` is set to the result of `build`, and with `authenticates` `app.state.access` to
    the registry's authentication. With `takes_tokens` the OpenAPI document has the credentials of the API. `more`
    are arguments of FastAPI.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with ServiceRuntime(settings, clock=clock, outbox=outbox, restore=restore) as runtime:
            app.state.state = build(runtime)
            if authenticates:
                app.state.access = runtime.access
            background = Background(
                runtime.started(), restart_seconds=RESTART_SECONDS, stop_seconds_max=settings.shutdown_seconds_max
            )
            app.state.checks.update({**runtime.checks, **background.checks})
            async with background.running():
                yield

    app = create_service_app(
        settings, title=title, description=description, lifespan=lifespan, app_class=app_class, **more
    )
    if takes_tokens:
        _document_credentials(app)
    return app


def _document_credentials(app: FastAPI) -> None:
    """Add the credentials to the OpenAPI document; a route may declare its own."""
    make = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = make()
            document["security"] = [{"token": []}, {"session": []}]
            document.setdefault("components", {})["securitySchemes"] = _SCHEMES
            for path, operations in document["paths"].items():
                if not path.startswith("/api/0/"):
                    is_internal = path.startswith(INTERNAL_PREFIX)
                    for operation in operations.values():
                        operation["security"] = [{"signature": []}] if is_internal else []
        assert app.openapi_schema is not None, "the document was just made"
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def service_worker(
    settings: ServiceSettings,
    *,
    build: Callable[[ServiceRuntime], None],
    clock: Clock | None = None,
    outbox: OutboxTable | None = None,
    restore: Restore = as_stored,
) -> Worker:
    """Return a service's worker; `build` adds consumers (`consume`), jobs (`every`) and other tasks."""

    @asynccontextmanager
    async def opening() -> AsyncIterator[Work]:
        async with ServiceRuntime(settings, clock=clock, outbox=outbox, restore=restore) as runtime:
            build(runtime)
            runtime.keep_statistics()
            yield Work(runtime.started(), runtime.checks, stop_seconds_max=settings.shutdown_seconds_max)

    return Worker(opening)
