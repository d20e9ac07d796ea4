"""Puts the service together: the HTTP app and the worker."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from hearback_contracts.streams import FEEDBACK_SUBMITTED
from hearback_fleet.access import Access, registry_introspection
from hearback_fleet.configuration import Configuration
from hearback_kit.app import create_service_app
from hearback_kit.auth import Authenticator
from hearback_kit.bus import Consumer, ConsumerOptions, RedisStreams
from hearback_kit.clock import Clock, SystemClock
from hearback_kit.db import Database
from hearback_kit.http import ServiceClient
from hearback_kit.outbox import Outbox, OutboxRelay
from hearback_kit.valkey import connect
from hearback_kit.worker import Periodic, Worker

from feedback.api.issue import single_issue_routes
from feedback.api.issues import issue_routes
from feedback.api.parameters import no_null_characters
from feedback.api.surroundings import Running
from feedback.consumers.feedback_submitted import FeedbackSubmittedHandler
from feedback.consumers.retention import Announcer, Retention
from feedback.fates import SERVICE
from feedback.settings import Settings
from feedback.store.tables import OUTBOX

DESCRIPTION = "Feedback as issues: lists, search, triage, export."


def _registry(settings: Settings) -> ServiceClient:
    return ServiceClient(settings.registry_url, service=SERVICE, secret=settings.secret_key.get_secret_value())


def create_app(settings: Settings, clock: Clock | None = None) -> FastAPI:
    """The HTTP app."""
    clock = clock or SystemClock()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        database = Database(settings.database_url, pool_size=settings.database_pool_size)
        redis_url = settings.redis_url.get_secret_value()
        configuration = Configuration(redis_url)
        registry = _registry(settings)
        client = connect(redis_url)
        relay = OutboxRelay(database, OUTBOX, RedisStreams(client, client))
        app.state.access = Access(configuration, Authenticator(registry_introspection(registry)))
        app.state.running = Running(settings, database, Outbox(OUTBOX), relay, clock)
        app.state.checks["database"] = database.ping
        stop = asyncio.Event()
        following = asyncio.create_task(configuration.run(stop))
        relaying = asyncio.create_task(relay.run(stop))
        try:
            yield
        finally:
            stop.set()
            following.cancel()  # it may be waiting for a change that does not come
            await asyncio.gather(relaying, following, return_exceptions=True)
            await configuration.close()
            await registry.close()
            await client.aclose()
            await database.close()

    app = create_service_app(settings, title="Hearback feedback", description=DESCRIPTION, lifespan=lifespan)
    app.state.clock = clock
    for router in (issue_routes(), single_issue_routes()):
        app.include_router(router, dependencies=[Depends(no_null_characters)])
    return app


def create_worker(settings: Settings, clock: Clock | None = None) -> Worker:
    """The consumers, the outbox relay and the periodic jobs."""
    clock = clock or SystemClock()
    redis_url = settings.redis_url.get_secret_value()
    client, waiting = connect(redis_url), connect(redis_url, blocking=True)
    bus = RedisStreams(client, waiting)
    database = Database(settings.database_url, pool_size=settings.database_pool_size)
    configuration = Configuration(redis_url)
    registry = _registry(settings)
    outbox, relay = Outbox(OUTBOX), OutboxRelay(database, OUTBOX, bus)
    handler = FeedbackSubmittedHandler(database, outbox, relay, configuration, clock, settings)
    announcer = Announcer(database, registry)
    retention = Retention(database, outbox, configuration, clock, settings)
    consumer = Consumer(
        bus,
        FEEDBACK_SUBMITTED.shard_keys(settings.stream_shards),
        group=FEEDBACK_SUBMITTED.consumer,
        name=settings.consumer_name or f"{SERVICE}-{socket.gethostname()}",
        handle=handler,
        on_dead=handler.on_dead,
        options=ConsumerOptions(
            batch_max=settings.batch_max,
            idle_ms_min=settings.consumer_idle_ms_min,
            deliveries_max=settings.deliveries_max,
        ),
    )

    async def close() -> None:
        await configuration.close()
        await registry.close()
        await client.aclose()
        await waiting.aclose()
        await database.close()

    return Worker(
        consumers=[consumer],
        parts=[
            configuration,
            relay,
            Periodic("announce", settings.announce_seconds, announcer.run_once),
            Periodic("retention", settings.retention_seconds, retention.run_once),
        ],
        checks={"database": database.ping},
        close=close,
    )
