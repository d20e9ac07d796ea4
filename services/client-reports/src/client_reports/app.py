"""Put client-reports together: the HTTP app and the worker."""

from functools import partial

from fastapi import FastAPI
from hearback_contracts.streams import CLIENT_REPORT_RECEIVED, OUTCOME_RECORDED
from hearback_fleet.runtime import ServiceRuntime, service_app, service_worker
from hearback_fleet.unit_of_work import UnitOfWork
from hearback_kit.bus.holding import Holding
from hearback_kit.clock import Clock
from hearback_kit.worker import Worker

from client_reports.api import alert_rules, erasures, reprocessings, stats, submissions
from client_reports.consumers.client_report_received import ClientReportReceivedHandler
from client_reports.consumers.outcome_recorded import OutcomeRecordedHandler
from client_reports.jobs.partitions import keep_partitions
from client_reports.pages import loss_alerts, outcome_stats, submission_list
from client_reports.pages.deps import PAGES
from client_reports.service.app_state import AppState
from client_reports.service.evaluate_alerts import evaluate_alerts
from client_reports.service.record_effects import EffectRecorder
from client_reports.settings import Settings
from client_reports.store.partitions import partitions_of
from client_reports.store.tables import OUTBOX


def create_app(settings: Settings, *, clock: Clock | None = None) -> FastAPI:
    """Return the HTTP app; it connects on startup."""

    def build(runtime: ServiceRuntime) -> AppState:
        return AppState(settings, runtime.database, runtime.clock, UnitOfWork.of(runtime), runtime.read_barrier)

    app = service_app(
        settings,
        title="Hearback client-reports",
        description="Counts outcomes and keeps the fate of every submission.",
        build=build,
        clock=clock,
        outbox=OUTBOX,
    )
    PAGES.install(app, settings, clock=clock)
    for module in (stats, submissions, alert_rules, erasures, reprocessings):
        app.include_router(module.router)
    for page in (submission_list, outcome_stats, loss_alerts):
        app.include_router(page.router)
    return app


def create_worker(settings: Settings, *, clock: Clock | None = None) -> Worker:
    """Return the worker: the consumers of both streams, partitions and the evaluation of alert rules."""

    def build(runtime: ServiceRuntime) -> None:
        partitions = partitions_of(runtime.database, settings)
        recorder = EffectRecorder(settings, runtime.database, runtime.clock, partitions)
        find_project, days_max = runtime.configuration.project, settings.report_days_max
        reports = ClientReportReceivedHandler(recorder, find_project, report_days_max=days_max)
        outcomes = OutcomeRecordedHandler(recorder, shards=runtime.shards)
        consume = partial(runtime.consume, batch_max=settings.batch_max, read_barrier=runtime.read_barrier)
        consume(CLIENT_REPORT_RECEIVED, reports)
        hold_ms_max = min(settings.hold_ms_max, settings.consumer_idle_ms_min // 3)
        holding = Holding(outcomes.look, seconds_max=hold_ms_max / 1_000, subjects_max=settings.held_steps_max)
        consume(OUTCOME_RECORDED, outcomes, on_dead=outcomes.on_dead, holding=holding)
        keep = partial(keep_partitions, runtime.database, partitions, runtime.clock)
        runtime.every("partitions", settings.maintenance_seconds, keep)
        runtime.every("alerts", settings.alert_seconds, partial(evaluate_alerts, UnitOfWork.of(runtime), settings))

    return service_worker(settings, build=build, clock=clock, outbox=OUTBOX)
