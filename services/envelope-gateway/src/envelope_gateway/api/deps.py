"""Assemble the ingest endpoints on startup."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hearback_contracts.streams import STREAMS
from hearback_fleet.runtime import ServiceRuntime
from hearback_kit.background import Stage
from hearback_kit.bus.bounds import StreamBounds
from hearback_kit.bus.group_commit import GroupCommit, commits_by_shard
from hearback_kit.bus.outage_spool import OutageSpool
from hearback_kit.clock import Clock
from hearback_kit.resp import Wire
from hearback_kit.resp_cluster import Connections

from envelope_gateway.api.attachments import AttachmentEndpoint
from envelope_gateway.api.bodies.memory import BodyMemory
from envelope_gateway.api.bodies.reader import BodyReader
from envelope_gateway.api.bodies.spools import SpoolFiles
from envelope_gateway.api.crashes import MinidumpEndpoint, UnrealCrashEndpoint
from envelope_gateway.api.discarded_items import DiscardEndpoint
from envelope_gateway.api.endpoints import Handler
from envelope_gateway.api.envelopes import EnvelopeEndpoint
from envelope_gateway.api.fast_path import FastPath
from envelope_gateway.api.params import RequestReader
from envelope_gateway.api.routing import IngestHandler, IngestRouter
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

CONFIGURATION = "configuration.json"
HANDLERS: Final[Mapping[Handler, Callable[..., IngestHandler]]] = {
    Handler.ENVELOPES: EnvelopeEndpoint,
    Handler.STORE_EVENTS: StoreEndpoint,
    Handler.ATTACHMENTS: AttachmentEndpoint,
    Handler.MINIDUMPS: MinidumpEndpoint,
    Handler.UNREAL_CRASHES: UnrealCrashEndpoint,
    Handler.SECURITY_REPORTS: SecurityReportEndpoint,
    Handler.DISCARDED_ITEMS: DiscardEndpoint,
}


@dataclass(frozen=True)
class AppState:
    """The fast path and the slow path of ingestion."""

    router: IngestRouter
    fast_path: FastPath


def build_state(runtime: ServiceRuntime, settings: Settings) -> AppState:
    """Build both paths on the connections of a runtime."""
    connection = runtime.resp_connection()
    projects = ProjectFinder(runtime.configuration, settings.limits)
    limits = runtime.limits(
        answer_seconds_max=settings.quota_answer_seconds_max, callers_max=settings.commit_requests_max
    )
    quotas = QuotaChecker(limits, runtime.clock, retry_after_seconds_max=settings.quota_retry_after_seconds_max)
    publisher = _publisher(runtime, settings, connection)
    return _endpoints(settings, projects, quotas, publisher, runtime.clock)


def _endpoints(
    settings: Settings, projects: ProjectFinder, quotas: QuotaChecker, publisher: PlanPublisher, clock: Clock
) -> AppState:
    requests = RequestReader(settings.trusted_proxies)
    memory = BodyMemory(
        settings.bodies_memory_max,
        reserve=min(settings.bodies_memory_reserve, settings.bodies_memory_max // 4),
        address_bytes_max=settings.address_memory_max,
    )
    spools = SpoolFiles(
        settings.spool_folder, count_max=settings.spools_max, address_max=settings.address_spools_max
    )
    bodies = BodyReader(projects, memory, spools, settings.body_memory_max)
    acceptor = EnvelopeAcceptor(projects, quotas, publisher, clock)
    router = IngestRouter(
        {kind: endpoint(requests, bodies, acceptor, settings) for kind, endpoint in HANDLERS.items()},
        settings.retry_after_seconds,
    )
    bytes_max = min(settings.envelope_bytes_max, settings.body_memory_max)
    return AppState(router, FastPath(requests, memory, projects, quotas, publisher, router, clock, bytes_max))


def _publisher(runtime: ServiceRuntime, settings: Settings, connection: Connections) -> PlanPublisher:
    keys = StreamKeys(runtime.shards)
    bounds = runtime.stream_bounds(STREAMS, settings.stream_entries_max)
    if settings.outage_spool_dir is None:
        spool = None
        runtime.require_valkey(connection)
    else:
        spool = _outage_spool(runtime, settings, connection, bounds, settings.outage_spool_dir)

    def make_group(wire: Wire) -> GroupCommit[OutcomeNote]:
        return GroupCommit(
            wire,
            OutcomeBatcher(keys, runtime.clock, settings.service),
            requests_max=settings.commit_requests_max,
            batch_max=settings.commit_batch_max,
            gather_seconds=settings.commit_gather_ms / 1_000,
            in_flight_max=settings.commits_in_flight_max,
            spool=spool,
        )

    groups = commits_by_shard(connection, runtime.shards, make_group)
    uploader = AttachmentUploader(
        runtime.blobs, puts_max=settings.uploads_max, requests_max=settings.upload_requests_max
    )
    return PlanPublisher(keys, groups, bounds, uploader)


def _outage_spool(
    runtime: ServiceRuntime, settings: Settings, connection: Connections, bounds: StreamBounds, folder: Path
) -> OutageSpool:
    """Open the outage spool, to which readiness falls back; cache known projects in its folder."""
    runtime.run("configuration-file", runtime.configuration.kept_in(folder / CONFIGURATION), Stage.FOLLOW)
    spool = OutageSpool(
        connection,
        bounds,
        folder,
        bytes_max=settings.outage_spool_bytes_max,
        after_seconds=settings.outage_spool_after_seconds,
        now=lambda: runtime.clock.now().timestamp(),
    )
    runtime.on_close(spool.close)
    runtime.add_check("valkey", spool.check)
    runtime.run("outage-spool", spool, Stage.FOLLOW)
    return spool
