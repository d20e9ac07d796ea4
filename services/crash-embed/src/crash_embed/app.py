"""Where crash-embed is put together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from hearback_contracts.streams import OUTCOME_RECORDED, USER_REPORT_SUBMITTED
from hearback_fleet.configuration import Configuration
from hearback_kit.app import create_service_app
from hearback_kit.bus import RedisStreams
from hearback_kit.bus.bounds import StreamBounds
from hearback_kit.bus.wire import Wire
from hearback_kit.clock import Clock, SystemClock
from hearback_kit.valkey import connect
from starlette.types import Receive, Scope, Send

from crash_embed.api.desk import Desk
from crash_embed.api.embed import PATHS, answer, embed_routes
from crash_embed.api.limits import SharedLimits
from crash_embed.api.publishing import Publisher
from crash_embed.api.script import DialogScript
from crash_embed.settings import Settings


class EmbedApp(FastAPI):
    """Answers the dialog's path before FastAPI's routing, which would cost more than the answer itself."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the lifespan."""
        if scope["type"] == "http" and scope["path"] in PATHS:
            scope["app"] = self
            response = await answer(Request(scope, receive))
            await response(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(settings: Settings, clock: Clock | None = None) -> FastAPI:
    """The app; connections are made in its lifespan."""
    clock = clock or SystemClock()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        redis_url = settings.redis_url.get_secret_value()
        configuration = Configuration(redis_url)
        client, waiting = connect(redis_url, timeout_seconds=2.0), connect(redis_url, blocking=True)
        wire = Wire(redis_url)
        bounds = StreamBounds(RedisStreams(client, waiting), _bounds(settings))
        app.state.desk = Desk(
            settings=settings,
            proxies=settings.proxy_networks(),
            origins=settings.origin_patterns(),
            configuration=configuration,
            limits=SharedLimits(wire, clock),
            publisher=Publisher(wire, bounds, clock, settings.stream_shards),
            script=DialogScript(),
            clock=clock,
        )

        async def ping() -> None:
            await wire.command("PING")

        app.state.checks["valkey"] = ping
        stop = asyncio.Event()
        tasks = [asyncio.create_task(part.run(stop)) for part in (configuration, bounds)]
        try:
            yield
        finally:
            stop.set()
            for task in tasks:  # they only read: nothing is lost by not waiting for their next turn
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            wire.close()
            await client.aclose()
            await waiting.aclose()
            await configuration.close()

    app = create_service_app(
        settings,
        title="crash-embed",
        description="The crash-report dialog and its form.",
        lifespan=lifespan,
        app_class=EmbedApp,
    )
    app.include_router(embed_routes())
    return app


def _bounds(settings: Settings) -> dict[str, int]:
    return {
        key: settings.stream_entries_max
        for stream in (USER_REPORT_SUBMITTED, OUTCOME_RECORDED)
        for key in stream.shard_keys(settings.stream_shards)
    }
