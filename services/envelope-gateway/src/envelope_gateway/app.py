"""Put the gateway together: the HTTP app."""

from typing import cast

from hearback_fleet.runtime import ServiceRuntime, service_app
from hearback_kit.clock import Clock

from envelope_gateway.api.application import GatewayApp
from envelope_gateway.api.deps import AppState, build_state
from envelope_gateway.api.relay_health import router as relay_health
from envelope_gateway.settings import Settings


def create_app(settings: Settings, *, clock: Clock | None = None) -> GatewayApp:
    """Return the ingest app; it connects on startup."""

    def build(runtime: ServiceRuntime) -> AppState:
        app.ingest = state = build_state(runtime, settings)
        return state

    made = service_app(
        settings,
        title="Hearback envelope-gateway",
        description="Accepts what Sentry SDKs send and makes it durable before it answers.",
        build=build,
        clock=clock,
        authenticates=False,
        takes_tokens=False,
        app_class=GatewayApp,
    )
    app = cast("GatewayApp", made)
    app.include_router(relay_health)
    return app
