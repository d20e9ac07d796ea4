"""The composition of the gateway."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI
from hearback_kit.app import create_service_app
from hearback_kit.clock import Clock, SystemClock

from envelope_gateway.api.application import GatewayApp
from envelope_gateway.api.deps import open_state
from envelope_gateway.api.relay_health import router as relay_health
from envelope_gateway.settings import Settings


def create_app(settings: Settings, *, clock: Clock | None = None) -> GatewayApp:
    """Return the ingest app; connections are made when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        assert isinstance(app, GatewayApp), "this lifespan belongs to the gateway"
        async with AsyncExitStack() as stack:
            app.ingest = await open_state(settings, clock or SystemClock(), stack)
            app.state.checks["valkey"] = app.ingest.check
            yield
            app.ingest = None

    app = create_service_app(
        settings,
        title="Hearback envelope-gateway",
        description="Accepts what Sentry SDKs send and makes it durable before it answers.",
        lifespan=lifespan,
        app_class=GatewayApp,
    )
    assert isinstance(app, GatewayApp), "it was asked for"
    app.include_router(relay_health)
    return app
