"""Puts the service together: the HTTP app and the worker."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from hearback_contracts.streams import ATTACHMENT_STORED, FEEDBACK_SUBMITTED, Stream
from hearback_fleet.access import Access, registry_introspection
from hearback_fleet.configuration import Configuration
from hearback_kit.app import create_service_app
from hearback_kit.auth import Authenticator
from hearback_kit.blobs import BlobStore
from hearback_kit.bus import Consumer, ConsumerOptions, RedisStreams
from hearback_kit.bus.consumer import Handler, OnDead
from hearback_kit.clock import Clock, SystemClock
from hearback_kit.db import Database
from hearback_kit.http import ServiceClient
from hearback_kit.outbox import Outbox, OutboxRelay
from hearback_kit.valkey import connect
from hearback_kit.worker import Periodic, Worker

from feedback.api.attachments import attachment_routes
from feedback.api.bodies import BoundedBodies
from feedback.api.issue import single_issue_routes
from feedback.api.issues import issue_routes
from feedback.api.parameters import no_null_characters
from feedback.api.surroundings import Running
from feedback.api.thumbnails import Thumbnails
from feedback.consumers.attachment_removal import AttachmentRemoval
from feedback.consumers.attachment_stored import AttachmentStoredHandler, nobody_to_tell
from feedback.consumers.feedback_submitted import FeedbackSubmittedHandler
from feedback.consumers.retention import Announcer, Retention
from feedback.event_index import EventIndex
from feedback.fates import SERVICE
from feedback.settings import Settings
from feedback.store.tables import OUTBOX

DESCRIPTION = "Feedback as issues: lists, search, triage, export."


def _caller(settings: Settings, url: str) -> ServiceClient:
    return ServiceClient(url, service=SERVICE, secret=settings.secret_key.get_secret_value())


class Parts:
    """What both the HTTP app and the worker stand on."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        redis_url = settings.redis_url.get_secret_value()
        self.settings = settings
        self.clock = clock
        self.database = Database(settings.database_url, pool_size=settings.database_pool_size)
        self.configuration = Configuration(redis_url)
        self.registry = _caller(settings, settings.registry_url)
        self.user_reports = _caller(settings, settings.user_reports_url) if settings.user_reports_url else None
        self.index = EventIndex(self.user_reports)
        self.blobs = BlobStore(settings.blob_url)
        self._client = connect(redis_url)
        self._waiting = connect(redis_url, blocking=True)
        self.bus = RedisStreams(self._client, self._waiting)
        self.outbox = Outbox(OUTBOX)
        self.relay = OutboxRelay(self.database, OUTBOX, self.bus)

    async def close(self) -> None:
        """Close every connection."""
        for client in (self.registry, self.user_reports):
            if client is not None:
                await client.close()
        await self.configuration.close()
        await self._client.aclose()
        await self._waiting.aclose()
        await self.database.close()

    def running(self) -> Running:
        """The part of them that routes use."""
        settings = self.settings
        thumbnails = Thumbnails(
            pixels_max=settings.image_pixels_max,
            side=settings.thumbnail_pixels,
            at_once_max=settings.images_at_once_max,
        )
        return Running(
            settings, self.database, self.outbox, self.relay, self.clock, self.blobs, thumbnails, self.index
        )

    def consumers(self, stream: Stream, handle: Handler, on_dead: OnDead) -> list[Consumer]:
        """Consumers that share the shards of a stream among them."""
        keys = stream.shard_keys(self.settings.stream_shards)
        count = min(self.settings.consumers, len(keys))
        return [self._consumer(keys[first::count], stream, handle, on_dead) for first in range(count)]

    def _consumer(self, keys: list[str], stream: Stream, handle: Handler, on_dead: OnDead) -> Consumer:
        settings = self.settings
        return Consumer(
            self.bus,
            keys,
            group=stream.consumer,
            name=settings.consumer_name or f"{SERVICE}-{socket.gethostname()}",
            handle=handle,
            on_dead=on_dead,
            options=ConsumerOptions(
                batch_max=settings.batch_max,
                idle_ms_min=settings.consumer_idle_ms_min,
                deliveries_max=settings.deliveries_max,
            ),
        )


def create_app(settings: Settings, clock: Clock | None = None) -> FastAPI:
    """The HTTP app."""
    clock = clock or SystemClock()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        parts = Parts(settings, clock)
        authenticator = Authenticator(registry_introspection(parts.registry))
        app.state.access = Access(parts.configuration, authenticator)
        app.state.running = parts.running()
        app.state.checks["database"] = parts.database.ping
        stop = asyncio.Event()
        following = asyncio.create_task(parts.configuration.run(stop))
        relaying = asyncio.create_task(parts.relay.run(stop))
        try:
            yield
        finally:
            stop.set()
            following.cancel()  # it may be waiting for a change that does not come
            await asyncio.gather(relaying, following, return_exceptions=True)
            await parts.close()

    app = create_service_app(settings, title="Hearback feedback", description=DESCRIPTION, lifespan=lifespan)
    app.state.clock = clock
    app.add_middleware(BoundedBodies, bytes_max=settings.request_body_bytes_max)
    for router in (issue_routes(), single_issue_routes(), attachment_routes()):
        app.include_router(router, dependencies=[Depends(no_null_characters)])
    return app


def create_worker(settings: Settings, clock: Clock | None = None) -> Worker:
    """The consumers, the outbox relay and the periodic jobs."""
    parts = Parts(settings, clock or SystemClock())
    database, outbox, relay, configuration = parts.database, parts.outbox, parts.relay, parts.configuration
    feedback = FeedbackSubmittedHandler(database, outbox, relay, configuration, parts.clock, settings)
    attachments = AttachmentStoredHandler(database, outbox, relay, parts.clock, settings)
    announcer = Announcer(database, parts.registry)
    retention = Retention(database, outbox, configuration, parts.clock, settings)
    removal = AttachmentRemoval(database, outbox, parts.blobs, parts.index, configuration, parts.clock, settings)
    return Worker(
        consumers=[
            *parts.consumers(FEEDBACK_SUBMITTED, feedback, feedback.on_dead),
            *parts.consumers(ATTACHMENT_STORED, attachments, nobody_to_tell),
        ],
        parts=[
            configuration,
            relay,
            Periodic("announce", settings.announce_seconds, announcer.run_once),
            Periodic("retention", settings.retention_seconds, retention.run_once),
            Periodic("attachment-bytes", settings.blob_delete_seconds, removal.delete_bytes),
            Periodic("attachment-retention", settings.retention_seconds, removal.remove_old),
            Periodic("attachment-orphans", settings.retention_seconds, removal.remove_orphans),
        ],
        checks={"database": database.ping},
        close=parts.close,
    )
