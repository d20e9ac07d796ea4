"""Put user-reports together: the HTTP app, the worker and the sweep by hand."""

from datetime import timedelta
from functools import partial

from fastapi import FastAPI
from hearback_contracts.streams import ERROR_EVENT_RECEIVED, USER_REPORT_SUBMITTED
from hearback_fleet.quotas import ReportQuotas
from hearback_fleet.runtime import ServiceRuntime, service_app, service_worker
from hearback_kit.api.cors import Cors
from hearback_kit.clock import Clock
from hearback_kit.worker import Worker

import user_reports.pages.events as event_pages
import user_reports.pages.groups as group_pages
import user_reports.pages.reports as report_pages
from user_reports.api import erasures, events, groups, internal, lookups, reports, reprocessings
from user_reports.api.deps import empty_answer
from user_reports.api.reports.cors import cors_rules
from user_reports.consumers.error_event_received import handle_error_events
from user_reports.consumers.user_report_submitted import UserReportHandler
from user_reports.domain.admission import AgeRules
from user_reports.errors import DsnNotEnough
from user_reports.jobs.retention import expire_records
from user_reports.jobs.sweep import Sweep
from user_reports.pages.deps import PAGES
from user_reports.service.app_state import AppState, ServiceContext
from user_reports.service.find_feedback import FeedbackLookup
from user_reports.service.read_projects import Projects
from user_reports.settings import Settings
from user_reports.store.partitions import events_plan, open_partitions
from user_reports.store.tables import OUTBOX


def create_app(settings: Settings, *, clock: Clock | None = None) -> FastAPI:
    """Return the HTTP app; it connects on startup."""

    def build(runtime: ServiceRuntime) -> AppState:
        limits = runtime.limits()
        client = runtime.service_client(settings.feedback_url) if settings.feedback_url else None
        return AppState.of(
            runtime,
            projects=_projects(runtime, settings),
            settings=settings,
            limits=limits,
            quotas=ReportQuotas(limits, runtime.clock),
            feedback=FeedbackLookup(client),
            rules=_rules(settings),
        )

    app = service_app(
        settings,
        title="Hearback user reports",
        description="Stores user reports, indexes error events and groups, and links the two.",
        build=build,
        clock=clock,
        outbox=OUTBOX,
    )
    app.add_middleware(Cors, rules_of=cors_rules)
    app.add_exception_handler(DsnNotEnough, empty_answer)
    PAGES.install(app, settings, clock=clock)
    for module in (
        reports,
        groups,
        events,
        lookups,
        internal,
        erasures,
        reprocessings,
        group_pages,
        event_pages,
        report_pages,
    ):
        app.include_router(module.router)
    return app


def create_worker(settings: Settings, *, clock: Clock | None = None) -> Worker:
    """Return the worker: the consumers of both streams, the sweep and retention."""

    def build(runtime: ServiceRuntime) -> None:
        context = _context(runtime, settings)
        events_handler = partial(handle_error_events, context, timedelta(days=settings.retention_days))
        reports_handler = UserReportHandler(context, _rules(settings))
        plan = events_plan(retention_days=settings.retention_days, weeks_ahead=settings.partition_weeks_ahead)
        sweep = Sweep(context, settings)
        retention = partial(expire_records, context, open_partitions(runtime.database, plan), settings)
        runtime.consume(ERROR_EVENT_RECEIVED, events_handler, batch_max=settings.events_batch_max)
        runtime.consume(
            USER_REPORT_SUBMITTED,
            reports_handler,
            batch_max=settings.reports_batch_max,
            on_dead=reports_handler.on_dead,
        )
        runtime.every("sweep", settings.sweep_seconds, sweep.run_once)
        runtime.every("retention", settings.retention_seconds, retention)

    return service_worker(settings, build=build, clock=clock, outbox=OUTBOX)


async def sweep_now(settings: Settings) -> str:
    """Sweep once and return a summary line; the worker's relay publishes the messages."""
    async with ServiceRuntime(settings, outbox=OUTBOX) as runtime:
        result = await Sweep(_context(runtime, settings), settings).run_once()
    rest = "" if result.complete else " (the deadline came first: call again)"
    return f"looked at {result.looked_at} waiting reports, linked {result.linked}{rest}"


def _projects(runtime: ServiceRuntime, settings: Settings) -> Projects:
    return Projects(runtime.configuration, settings.organizations_denied)


def _context(runtime: ServiceRuntime, settings: Settings) -> ServiceContext:
    return ServiceContext.of(runtime, projects=_projects(runtime, settings))


def _rules(settings: Settings) -> AgeRules:
    return AgeRules(
        timedelta(minutes=settings.event_age_minutes_max), timedelta(minutes=settings.overwrite_minutes_max)
    )
