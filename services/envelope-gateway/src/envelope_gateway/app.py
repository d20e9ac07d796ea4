"""Puts the ingest side together."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from fastapi import FastAPI
from hearback_contracts.streams import STREAMS
from hearback_fleet.configuration import Configuration
from hearback_fleet.quotas import Quotas
from hearback_kit.app import create_service_app
from hearback_kit.blobs import BlobStore
from hearback_kit.bus import RedisStreams
from hearback_kit.bus.bounds import StreamBounds
from hearback_kit.bus.group_commit import GroupCommit
from hearback_kit.bus.wire import Wire
from hearback_kit.clock import Clock, SystemClock
from hearback_kit.health import Check
from hearback_kit.http_exchange import Exchange
from hearback_kit.limit_batches import LimitBatches
from hearback_kit.valkey import connect
from starlette.types import Receive, Scope, Send

from envelope_gateway.api.attachments import AttachmentEndpoint
from envelope_gateway.api.bodies import Bodies
from envelope_gateway.api.body import Memory, Spools
from envelope_gateway.api.direct import DirectEnvelopes
from envelope_gateway.api.discards import DiscardEndpoint
from envelope_gateway.api.envelopes import EnvelopeEndpoint
from envelope_gateway.api.ingest import Ingest
from envelope_gateway.api.intake import Intake
from envelope_gateway.api.limits import QuotaLimiter
from envelope_gateway.api.openapi import ingest_paths
from envelope_gateway.api.projects import Projects
from envelope_gateway.api.publishing import Publisher, StreamKeys, Summary
from envelope_gateway.api.relays import relay_routes
from envelope_gateway.api.requests import Requests
from envelope_gateway.api.store import StoreEndpoint
from envelope_gateway.domain.plan import Note
from envelope_gateway.settings import Settings

Parts = tuple[Ingest, DirectEnvelopes]


class GatewayApp(FastAPI):
    """FastAPI with the ingest endpoints before it."""

    ingest: Ingest | None = None
    direct: DirectEnvelopes | None = None

    def take_directly(self, exchange: Exchange) -> bool:
        """Take an ordinary envelope without ASGI (`hearback_kit.http_protocol`)."""
        return self.direct is not None and self.direct(exchange)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer ingest requests without FastAPI and leave it all others."""
        ingest = self.ingest
        if ingest is None or scope["type"] != "http" or not await ingest(scope, receive, send):
            await super().__call__(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """The document with the ingest endpoints, which FastAPI does not know."""
        if self.openapi_schema is None:
            document = super().openapi()
            document["paths"] = {**document["paths"], **ingest_paths()}
        assert self.openapi_schema is not None, "the document was just made"
        return self.openapi_schema


def create_app(
    settings: Settings,
    *,
    clock: Clock | None = None,
) -> GatewayApp:
    """The ingest app; everything with a connection is made when it starts."""
    checks: dict[str, Check] = {}

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        assert isinstance(app, GatewayApp), "this lifespan belongs to the gateway"
        async with AsyncExitStack() as stack:
            wire = Wire(settings.redis_url.get_secret_value())
            stack.callback(wire.close)
            app.ingest, app.direct = await _build(settings, clock or SystemClock(), wire, stack)
            app.state.checks["valkey"] = _wire_check(wire)
            yield
            app.ingest = app.direct = None

    app = create_service_app(
        settings,
        title="Hearback envelope gateway",
        description="Takes what Sentry SDKs send and makes it durable before it answers.",
        lifespan=lifespan,
        checks=checks,
        app_class=GatewayApp,
    )
    assert isinstance(app, GatewayApp), "it was asked for"
    app.include_router(relay_routes())
    return app


def _wire_check(wire: Wire) -> Check:
    async def check() -> None:
        await wire.command("PING")

    return check


async def _build(settings: Settings, clock: Clock, wire: Wire, stack: AsyncExitStack) -> Parts:
    url = settings.redis_url.get_secret_value()
    configuration = Configuration(url)
    stack.push_async_callback(configuration.close)
    keys = StreamKeys(settings.stream_shards)
    bounds = await _bounds(settings, url, stack)
    group: GroupCommit[Note] = GroupCommit(
        wire,
        Summary(keys, clock),
        requests_max=settings.commit_requests_max,
        batch_max=settings.commit_batch_max,
        in_flight_max=settings.commits_in_flight_max,
    )
    publisher = Publisher(
        keys,
        group,
        bounds,
        BlobStore(settings.blob_url),
        retry_after_seconds=settings.retry_after_seconds,
        uploads_max=settings.uploads_max,
        upload_requests_max=settings.upload_requests_max,
    )
    projects = Projects(configuration, settings.limits)
    limiter = QuotaLimiter(_quotas(settings, url, clock, stack))
    intake = Intake(projects, publisher, limiter, clock, retry_after_seconds=settings.retry_after_seconds)
    await _follow(stack, configuration.run, bounds.run)
    return _endpoints(settings, intake, limiter, publisher)


def _quotas(settings: Settings, url: str, clock: Clock, stack: AsyncExitStack) -> Quotas:
    """Quotas on a connection of their own, which gives up sooner than the one that makes things durable."""
    wire = Wire(url, answer_seconds_max=settings.quota_answer_seconds_max)
    stack.callback(wire.close)
    batches = LimitBatches(wire, clock, callers_max=settings.commit_requests_max)
    return Quotas(batches, clock, retry_after_seconds_max=settings.quota_retry_after_seconds_max)


def _endpoints(settings: Settings, intake: Intake, limiter: QuotaLimiter, publisher: Publisher) -> Parts:
    requests = Requests()
    spools = Spools(settings.spool_folder, settings.spools_max, settings.retry_after_seconds)
    memory = Memory(settings.bodies_memory_max, settings.retry_after_seconds)
    bodies = Bodies(memory, spools, settings.body_memory_max)
    envelopes = EnvelopeEndpoint(requests, bodies, intake, settings.envelope_bytes_max)
    ingest = Ingest(
        envelopes,
        StoreEndpoint(requests, bodies, intake, envelopes, settings.event_bytes_max),
        AttachmentEndpoint(requests, bodies, intake, settings.limits),
        DiscardEndpoint(requests, bodies, intake),
    )
    direct = DirectEnvelopes(
        requests,
        memory,
        intake,
        limiter,
        publisher,
        ingest,
        min(settings.envelope_bytes_max, settings.body_memory_max),
    )
    return ingest, direct


async def _bounds(settings: Settings, url: str, stack: AsyncExitStack) -> StreamBounds:
    client = connect(url)
    stack.push_async_callback(client.aclose)
    bound = settings.stream_entries_max
    entries_max = {
        key: min(bound, stream.entries_max)
        for stream in STREAMS
        for key in stream.shard_keys(settings.stream_shards)
    }
    return StreamBounds(RedisStreams(client, client), entries_max)


async def _follow(stack: AsyncExitStack, *parts: Callable[[asyncio.Event], Any]) -> None:
    """Run the parts beside the app and end them with it."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(part(stop)) for part in parts]

    async def end() -> None:
        stop.set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    stack.push_async_callback(end)
