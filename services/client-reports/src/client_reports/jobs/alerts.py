"""Evaluate alert rules periodically."""

from functools import partial

from hearback_fleet.runtime import ServiceRuntime
from hearback_fleet.unit_of_work import UnitOfWork

from client_reports.service.evaluate_alerts import evaluate_alerts
from client_reports.settings import Settings


def add_alerts(runtime: ServiceRuntime, settings: Settings) -> None:
    """Evaluate every enabled alert rule every `alert_seconds`."""
    runtime.every("alerts", settings.alert_seconds, partial(evaluate_alerts, UnitOfWork.of(runtime), settings))
