"""What the ingest endpoints consist of, made when the app starts."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from hearback_contracts.streams import STREAMS
from hearback_fleet.configuration import Configuration
from hearback_kit.blobs import BlobStore
from hearback_kit.bus import RedisStreams
from hearback_kit.bus.bounds import StreamBounds
from hearback_kit.bus.group_commit import GroupCommit
from hearback_kit.bus.wire import Wire
from hearback_kit.clock import Clock
from hearback_kit.health import Check
from hearback_kit.limit_batches import LimitBatches
from hearback_kit.valkey import connect

from envelope_gateway.api.attachments import AttachmentEndpoint
from envelope_gateway.api.bodies.memory import BodyMemory
from envelope_gateway.api.bodies.reader import BodyReader
from envelope_gateway.api.bodies.spools import SpoolFiles
from envelope_gateway.api.discarded_items import DiscardEndpoint
from envelope_gateway.api.endpoints import Handler
from envelope_gateway.api.envelopes import EnvelopeEndpoint
from envelope_gateway.api.fast_path import FastPath
from envelope_gateway.api.params import RequestReader
from envelope_gateway.api.routing import IngestRouter
from envelope_gateway.api.security_reports import SecurityReportEndpoint
from envelope_gateway.api.store_events import StoreEndpoint
from envelope_gateway.domain.plan import OutcomeNote
from envelope_gateway.service.accept_envelope import EnvelopeAcceptor
from envelope_gateway.service.batch_outcomes import OutcomeBatcher, StreamKeys
from envelope_gateway.service.check_quotas import QuotaChecker
from envelope_gateway.service.find_project import ProjectFinder
from envelope_gateway.service.publish_plan import PlanPublisher
from envelope_gateway.service.upload_attachments import AttachmentUploader
from envelope_gateway.settings import Settings


@dataclass(frozen=True)
class AppState:
    """Both paths of ingestion, and the check of the connection that they need."""

    router: IngestRouter
    fast_path: FastPath
    check: Check


async def open_state(settings: Settings, clock: Clock, stack: AsyncExitStack) -> AppState:
    """Connect everything; the stack closes it."""
    url = settings.redis_url.get_secret_value()
    wire = Wire(url)
    stack.callback(wire.close)
    configuration = Configuration(url)
    stack.push_async_callback(configuration.close)
    bounds = await _bounds(settings, url, stack)
    projects = ProjectFinder(configuration, settings.limits)
    quotas = _quotas(settings, url, clock, stack)
    publisher = _publisher(settings, wire, bounds, clock)
    await _follow(stack, configuration.run, bounds.run)

    async def check() -> None:
        await wire.command("PING")

    router, fast_path = _endpoints(settings, projects, quotas, publisher, clock)
    return AppState(router, fast_path, check)


def _endpoints(
    settings: Settings, projects: ProjectFinder, quotas: QuotaChecker, publisher: PlanPublisher, clock: Clock
) -> tuple[IngestRouter, FastPath]:
    requests = RequestReader()
    memory = BodyMemory(
        settings.bodies_memory_max,
        reserve=min(settings.bodies_memory_reserve, settings.bodies_memory_max // 4),
        address_bytes_max=settings.address_memory_max,
        retry_after_seconds=settings.retry_after_seconds,
    )
    spools = SpoolFiles(
        settings.spool_folder,
        count_max=settings.spools_max,
        address_max=settings.address_spools_max,
        retry_after_seconds=settings.retry_after_seconds,
    )
    bodies = BodyReader(memory, spools, settings.body_memory_max)
    acceptor = EnvelopeAcceptor(
        projects, quotas, publisher, clock, retry_after_seconds=settings.retry_after_seconds
    )
    envelopes = EnvelopeEndpoint(requests, bodies, acceptor, settings.envelope_bytes_max)
    router = IngestRouter(
        {
            Handler.ENVELOPES: envelopes,
            Handler.STORE_EVENTS: StoreEndpoint(requests, bodies, acceptor, envelopes, settings.event_bytes_max),
            Handler.ATTACHMENTS: AttachmentEndpoint(requests, bodies, acceptor, settings.limits),
            Handler.SECURITY_REPORTS: SecurityReportEndpoint(requests, bodies, acceptor),
            Handler.DISCARDED_ITEMS: DiscardEndpoint(requests, acceptor),
        }
    )
    bytes_max = min(settings.envelope_bytes_max, settings.body_memory_max)
    return router, FastPath(requests, memory, projects, quotas, publisher, router, clock, bytes_max)


def _publisher(settings: Settings, wire: Wire, bounds: StreamBounds, clock: Clock) -> PlanPublisher:
    keys = StreamKeys(settings.stream_shards)
    group: GroupCommit[OutcomeNote] = GroupCommit(
        wire,
        OutcomeBatcher(keys, clock, settings.service),
        requests_max=settings.commit_requests_max,
        batch_max=settings.commit_batch_max,
        in_flight_max=settings.commits_in_flight_max,
    )
    uploader = AttachmentUploader(
        BlobStore(settings.blob_url),
        puts_max=settings.uploads_max,
        requests_max=settings.upload_requests_max,
    )
    return PlanPublisher(keys, group, bounds, uploader, retry_after_seconds=settings.retry_after_seconds)


def _quotas(settings: Settings, url: str, clock: Clock, stack: AsyncExitStack) -> QuotaChecker:
    """Quotas have a connection of their own, which gives up sooner than the one that makes things durable."""
    wire = Wire(url, answer_seconds_max=settings.quota_answer_seconds_max)
    stack.callback(wire.close)
    batches = LimitBatches(wire, clock, callers_max=settings.commit_requests_max)
    return QuotaChecker(batches, clock, retry_after_seconds_max=settings.quota_retry_after_seconds_max)


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
