"""Putting the service together: the HTTP app, the worker, and the parts both are made of."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI
from hearback_contracts.streams import ERROR_EVENT_RECEIVED, USER_REPORT_SUBMITTED
from hearback_fleet.access import Access, registry_introspection
from hearback_fleet.configuration import Configuration
from hearback_kit.app import create_service_app
from hearback_kit.auth import Authenticator
from hearback_kit.bus import Consumer, ConsumerOptions, RedisStreams
from hearback_kit.clock import Clock, SystemClock
from hearback_kit.db import Database
from hearback_kit.http import ServiceClient
from hearback_kit.limits import WindowLimits
from hearback_kit.outbox import OutboxRelay
from hearback_kit.valkey import connect
from hearback_kit.worker import Periodic, Worker

from user_reports.api import routers
from user_reports.api.place import Place
from user_reports.consumers.events import EventHandler
from user_reports.consumers.reports import ReportHandler
from user_reports.domain.rules import AgeRules
from user_reports.settings import Settings
from user_reports.store.projects import Projects
from user_reports.store.retention import Retention, RetentionOptions
from user_reports.store.sweeping import Sweep
from user_reports.store.tables import OUTBOX
from user_reports.sweep import sweep_options

DESCRIPTION = "Stores user reports, indexes error events and groups, and links the two."


def create_app(settings: Settings, clock: Clock | None = None) -> FastAPI:
    """The HTTP app; `clock` is the system's unless a test gives another."""
    place = Place(settings=settings, clock=clock or SystemClock(), rules=age_rules(settings))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        redis_url = settings.redis_url.get_secret_value()
        database = Database(settings.database_url, pool_size=settings.database_pool_size)
        configuration = Configuration(redis_url)
        limits_client = connect(redis_url, timeout_seconds=1.0)
        registry = ServiceClient(
            settings.registry_url, service=settings.service, secret=settings.secret_key.get_secret_value()
        )
        place.open(
            database,
            Projects(configuration, settings.denylist),
            configuration,
            WindowLimits(limits_client, place.clock),
        )
        app.state.place = place
        if not hasattr(app.state, "access"):
            app.state.access = Access(configuration, Authenticator(registry_introspection(registry)))
        app.state.checks["database"] = database.ping
        stop = asyncio.Event()
        following = asyncio.create_task(configuration.run(stop))
        try:
            yield
        finally:
            stop.set()
            await following
            await configuration.close()
            await limits_client.aclose()
            await registry.close()
            await database.close()

    app = create_service_app(settings, title="user-reports", description=DESCRIPTION, lifespan=lifespan)
    for router in routers():
        app.include_router(router)
    return app


def age_rules(settings: Settings) -> AgeRules:
    """The rules of age as set."""
    return AgeRules(
        timedelta(minutes=settings.event_age_minutes_max), timedelta(minutes=settings.overwrite_minutes_max)
    )


def retention_options(settings: Settings) -> RetentionOptions:
    """Retention as set."""
    return RetentionOptions(
        retention=timedelta(days=settings.retention_days),
        chunk_max=settings.retention_chunk_max,
        weeks_ahead=settings.partition_weeks_ahead,
    )


def create_worker(settings: Settings, clock: Clock | None = None) -> Worker:
    """The consumers of both streams, the outbox relay, the sweep and retention."""
    clock = clock or SystemClock()
    redis_url = settings.redis_url.get_secret_value()
    client, waiting = connect(redis_url), connect(redis_url, blocking=True)
    bus = RedisStreams(client, waiting)
    database = Database(settings.database_url, pool_size=settings.database_pool_size)
    configuration = Configuration(redis_url)
    projects = Projects(configuration, settings.denylist)
    relay = OutboxRelay(database, OUTBOX, bus)
    shards = settings.stream_shards
    sweep = Sweep(database, projects, clock, shards, sweep_options(settings))
    retention = Retention(database, projects, clock, shards, retention_options(settings))

    async def close() -> None:
        await configuration.close()
        await database.close()
        await client.aclose()
        await waiting.aclose()

    return Worker(
        consumers=_consumers(settings, bus, database, projects, clock, relay.wake),
        parts=[
            configuration,
            relay,
            Periodic("sweep", settings.sweep_seconds, sweep.run_once),
            Periodic("retention", settings.retention_seconds, retention.run_once),
        ],
        checks={"database": database.ping},
        close=close,
    )


def _consumers(
    settings: Settings,
    bus: RedisStreams,
    database: Database,
    projects: Projects,
    clock: Clock,
    wake: Callable[[], None],
) -> list[Consumer]:
    shards = settings.stream_shards
    events = EventHandler(
        database, projects, clock, shards=shards, retention=timedelta(days=settings.retention_days), wake=wake
    )
    reports = ReportHandler(database, projects, clock, shards=shards, rules=age_rules(settings), wake=wake)
    name = settings.consumer_name or f"{settings.service}-{socket.gethostname()}"
    return [
        Consumer(
            bus,
            ERROR_EVENT_RECEIVED.shard_keys(shards),
            group=ERROR_EVENT_RECEIVED.consumer,
            name=name,
            handle=events,
            options=_options(settings, settings.events_batch_max),
        ),
        Consumer(
            bus,
            USER_REPORT_SUBMITTED.shard_keys(shards),
            group=USER_REPORT_SUBMITTED.consumer,
            name=name,
            handle=reports,
            on_dead=reports.on_dead,
            options=_options(settings, settings.reports_batch_max),
        ),
    ]


def _options(settings: Settings, batch_max: int) -> ConsumerOptions:
    return ConsumerOptions(
        batch_max=batch_max,
        idle_ms_min=settings.consumer_idle_ms_min,
        deliveries_max=settings.deliveries_max,
    )
