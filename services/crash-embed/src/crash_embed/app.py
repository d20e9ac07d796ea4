"""Put crash-embed together."""

from fastapi import FastAPI, Request
from hearback_contracts.streams import OUTCOME_RECORDED, USER_REPORT_SUBMITTED
from hearback_fleet.quotas import ReportQuotas
from hearback_fleet.runtime import ServiceRuntime, service_app
from hearback_kit.clock import Clock
from starlette.types import Receive, Scope, Send

from crash_embed.api.deps import AppState
from crash_embed.api.error_page import PATHS, EmbedEndpoint, router
from crash_embed.service.check_limits import RequestLimits
from crash_embed.service.publish_report import ReportPublisher
from crash_embed.service.render_dialog import DialogScript
from crash_embed.settings import Settings


class EmbedApp(FastAPI):
    """Answers the dialog's path before FastAPI's routing, which would cost more than the answer itself."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, or the lifespan."""
        if scope["type"] == "http" and scope["path"] in PATHS:
            scope["app"] = self
            response = await EmbedEndpoint(self.state.state).answer(Request(scope, receive))
            await response(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(settings: Settings, *, clock: Clock | None = None) -> FastAPI:
    """Return the app; it connects on startup."""
    script = DialogScript()

    def build(runtime: ServiceRuntime) -> AppState:
        connection, limits = runtime.resp_connection(), runtime.limits()
        runtime.require_valkey(connection)
        streams = (USER_REPORT_SUBMITTED, OUTCOME_RECORDED)
        bounds = runtime.stream_bounds(streams, settings.stream_entries_max)
        return AppState(
            settings=settings,
            proxies=settings.address_reader(),
            origins=settings.allowed_origins,
            configuration=runtime.configuration,
            limits=RequestLimits(limits, settings),
            quotas=ReportQuotas(limits, runtime.clock),
            publisher=ReportPublisher(
                connection, bounds, runtime.clock, service=settings.service, shards=runtime.shards
            ),
            script=script,
            clock=runtime.clock,
        )

    app = service_app(
        settings,
        title="Hearback crash-embed",
        description="The crash-report dialog and its form.",
        build=build,
        clock=clock,
        authenticates=False,
        takes_tokens=False,
        app_class=EmbedApp,
    )
    app.include_router(router)
    return app
