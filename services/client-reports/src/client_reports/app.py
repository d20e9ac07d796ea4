"""Puts client-reports together: the HTTP app and the worker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from hearback_contracts.streams import CLIENT_REPORT_RECEIVED, OUTCOME_RECORDED
from hearback_fleet.access import Access, registry_introspection
from hearback_fleet.configuration import Configuration
from hearback_kit.app import create_service_app
from hearback_kit.auth import Authenticator
from hearback_kit.bus import Consumer, ConsumerOptions, RedisStreams
from hearback_kit.clock import Clock, SystemClock
from hearback_kit.db import Database
from hearback_kit.http import ServiceClient
from hearback_kit.valkey import connect
from hearback_kit.worker import Periodic, Worker

from client_reports.alerting import Alerting
from client_reports.api import alert_rules, stats, submissions
from client_reports.consumers.client_reports import ClientReports, nobody_to_tell
from client_reports.consumers.intake import Intake
from client_reports.consumers.outcomes import Outcomes
from client_reports.settings import Settings
from client_reports.store.partitions import Partitions, Plans


def create_app(settings: Settings, *, clock: Clock | None = None) -> FastAPI:
    """The HTTP app; everything with a connection is made when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        database = Database(settings.database_url, pool_size=settings.database_pool_size)
        configuration = Configuration(settings.redis_url.get_secret_value())
        registry = ServiceClient(
            settings.registry_url,
            service=settings.service,
            secret=settings.secret_key.get_secret_value(),
        )
        app.state.database = database
        app.state.settings = settings
        app.state.clock = clock or SystemClock()
        app.state.access = Access(configuration, Authenticator(registry_introspection(registry)))
        app.state.checks["database"] = database.ping
        stop = asyncio.Event()
        following = asyncio.create_task(configuration.run(stop))
        yield
        stop.set()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await configuration.close()
        await registry.close()
        await database.close()

    app = create_service_app(
        settings,
        title="Hearback client reports",
        description="Counts outcomes and tells the fate of every submission.",
        lifespan=lifespan,
    )
    for routes in (stats, submissions, alert_rules):
        app.include_router(routes.router)
    return app


def create_worker(settings: Settings, *, clock: Clock | None = None) -> Worker:
    """The consumers of both streams, the keeper of partitions and the evaluation of alert rules."""
    clock = clock or SystemClock()
    url = settings.redis_url.get_secret_value()
    database = Database(settings.database_url, pool_size=settings.database_pool_size)
    client, waiting = connect(url), connect(url, blocking=True)
    bus = RedisStreams(client, waiting)
    configuration = Configuration(url)
    partitions = Partitions(database, Plans.of(settings))
    intake = Intake(database, partitions, clock, steps_max=settings.steps_max)
    reports = ClientReports(intake, configuration.project, report_days_max=settings.report_days_max)
    outcomes = Outcomes(intake, shards=settings.stream_shards)
    alerting = Alerting(database, settings, clock)

    async def keep_partitions() -> None:
        await partitions.ensure(clock.now())
        await partitions.drop_old(clock.now())

    async def close() -> None:
        await configuration.close()
        await client.aclose()
        await waiting.aclose()
        await database.close()

    options = ConsumerOptions(
        batch_max=settings.batch_max,
        idle_ms_min=settings.consumer_idle_ms_min,
        deliveries_max=settings.deliveries_max,
    )
    consumers = [
        Consumer(
            bus,
            stream.shard_keys(settings.stream_shards),
            group=stream.consumer,
            name=settings.consumer_name,
            handle=handle,
            on_dead=on_dead,
            options=options,
        )
        for stream, handle, on_dead in (
            (CLIENT_REPORT_RECEIVED, reports.handle, nobody_to_tell),
            (OUTCOME_RECORDED, outcomes.handle, outcomes.on_dead),
        )
    ]
    return Worker(
        consumers=consumers,
        parts=[
            configuration,
            Periodic("partitions", settings.maintenance_seconds, keep_partitions),
            Periodic("alerts", settings.alert_seconds, alerting.evaluate),
        ],
        checks={"database": database.ping},
        close=close,
    )
