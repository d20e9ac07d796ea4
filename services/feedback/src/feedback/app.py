"""Put the service together: the HTTP app and the worker."""

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
from hearback_kit.worker import Worker

from feedback.api import attachments, issues
from feedback.api.bodies import BoundedBodies
from feedback.api.deps import AppState
from feedback.api.params import no_null_characters
from feedback.consumers.attachment_stored import AttachmentStoredHandler
from feedback.consumers.feedback_submitted import FeedbackSubmittedHandler
from feedback.jobs.announcements import announcements
from feedback.jobs.attachment_removal import attachment_removal
from feedback.jobs.retention import retention
from feedback.service.decide_submission import DecideSubmission
from feedback.service.find_error_events import ErrorEventIndex
from feedback.service.make_thumbnail import Thumbnails
from feedback.service.record_attachments import RecordAttachments
from feedback.service.store_submissions import StoreSubmissions
from feedback.service.unit_of_work import SERVICE, UnitOfWork
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
        self.error_events = ErrorEventIndex(self.user_reports)
        self.blobs = BlobStore(settings.blob_url)
        self._client = connect(redis_url)
        self._waiting = connect(redis_url, blocking=True)
        self.bus = RedisStreams(self._client, self._waiting)
        self.relay = OutboxRelay(self.database, OUTBOX, self.bus)
        self.unit_of_work = UnitOfWork(self.database, Outbox(OUTBOX), self.relay, clock, settings.stream_shards)

    async def close(self) -> None:
        """Close every connection."""
        for client in (self.registry, self.user_reports):
            if client is not None:
                await client.close()
        await self.configuration.close()
        await self._client.aclose()
        await self._waiting.aclose()
        await self.database.close()

    def state(self) -> AppState:
        """Return the part of them that routes use."""
        settings = self.settings
        thumbnails = Thumbnails(
            pixels_max=settings.image_pixels_max,
            side=settings.thumbnail_pixels,
            at_once_max=settings.images_at_once_max,
        )
        return AppState(settings, self.configuration, self.unit_of_work, self.blobs, thumbnails, self.error_events)

    def consumers(self, stream: Stream, handle: Handler, on_dead: OnDead) -> list[Consumer]:
        """Return consumers that share the shards of a stream among them."""
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


def create_app(settings: Settings, *, clock: Clock | None = None) -> FastAPI:
    """Return the HTTP app."""
    clock = clock or SystemClock()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        parts = Parts(settings, clock)
        authenticator = Authenticator(registry_introspection(parts.registry))
        app.state.access = Access(parts.configuration, authenticator)
        app.state.state = parts.state()
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
    for router in (issues.router, attachments.router):
        app.include_router(router, dependencies=[Depends(no_null_characters)])
    return app


def create_worker(settings: Settings, *, clock: Clock | None = None) -> Worker:
    """Return the consumers, the outbox relay and the periodic jobs."""
    parts = Parts(settings, clock or SystemClock())
    unit_of_work, configuration = parts.unit_of_work, parts.configuration
    store = StoreSubmissions(unit_of_work, DecideSubmission(configuration, settings))
    feedback = FeedbackSubmittedHandler(unit_of_work, store)
    attachments = AttachmentStoredHandler(RecordAttachments(unit_of_work))
    return Worker(
        consumers=[
            *parts.consumers(FEEDBACK_SUBMITTED, feedback, feedback.on_dead),
            *parts.consumers(ATTACHMENT_STORED, attachments, lambda _message, _error: ()),
        ],
        parts=[
            configuration,
            parts.relay,
            announcements(parts.database, parts.registry, settings),
            *retention(unit_of_work, configuration, settings),
            *attachment_removal(unit_of_work, parts.blobs, parts.error_events, settings),
        ],
        checks={"database": parts.database.ping},
        close=parts.close,
    )
