"""Put client-reports together: the HTTP app and the worker."""

from fastapi import FastAPI
from hearback_contracts.streams import CLIENT_REPORT_RECEIVED, OUTCOME_RECORDED
from hearback_fleet.runtime import ServiceRuntime, service_app, service_worker
from hearback_kit.clock import Clock
from hearback_kit.worker import Worker

from client_reports.alerting import Alerting
from client_reports.api import alert_rules, stats, submissions
from client_reports.api.deps import AppState
from client_reports.consumers.client_reports import ClientReports
from client_reports.consumers.intake import Intake
from client_reports.consumers.outcomes import Outcomes
from client_reports.settings import Settings
from client_reports.store.partitions import Partitions, Plans


def create_app(settings: Settings, *, clock: Clock | None = None) -> FastAPI:
    """Make the HTTP app; it connects when it starts."""

    def build(runtime: ServiceRuntime) -> AppState:
        return AppState(settings, runtime.database, runtime.clock)

    app = service_app(
        settings,
        title="Hearback client reports",
        description="Counts outcomes and tells the fate of every submission.",
        build=build,
        clock=clock,
    )
    for module in (stats, submissions, alert_rules):
        app.include_router(module.router)
    return app


def create_worker(settings: Settings, *, clock: Clock | None = None) -> Worker:
    """Make the worker: both streams, the keeper of partitions and the evaluation of alert rules."""

    def build(runtime: ServiceRuntime) -> None:
        partitions = Partitions(runtime.database, Plans.of(settings))
        intake = Intake(runtime.database, partitions, runtime.clock, steps_max=settings.steps_max)
        reports = ClientReports(intake, runtime.configuration.project, report_days_max=settings.report_days_max)
        outcomes = Outcomes(intake, shards=settings.stream_shards)
        alerting = Alerting(runtime.database, settings, runtime.clock)

        async def keep_partitions() -> None:
            await partitions.ensure(runtime.clock.now())
            await partitions.drop_old(runtime.clock.now())

        batch_max = settings.batch_max
        runtime.consume(CLIENT_REPORT_RECEIVED, reports.handle, batch_max=batch_max)
        runtime.consume(OUTCOME_RECORDED, outcomes.handle, on_dead=outcomes.on_dead, batch_max=batch_max)
        runtime.every("partitions", settings.maintenance_seconds, keep_partitions)
        runtime.every("alerts", settings.alert_seconds, alerting.evaluate)

    return service_worker(settings, build=build, clock=clock)
