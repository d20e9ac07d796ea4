"""Evaluate alert rules periodically."""

from hearback_fleet.runtime import ServiceRuntime
from hearback_fleet.unit_of_work import UnitOfWork

from client_reports.domain.alerts import Hysteresis
from client_reports.service.evaluate_alerts import AlertEvaluator
from client_reports.settings import Settings


def add_alerts(runtime: ServiceRuntime, settings: Settings) -> None:
    """Evaluate every enabled alert rule every `alert_seconds`."""
    hysteresis = Hysteresis(settings.alert_resolve_share, settings.alert_resolve_minutes)
    evaluator = AlertEvaluator(UnitOfWork.of(runtime), hysteresis, settings.alert_events_max)
    runtime.every("alerts", settings.alert_seconds, evaluator.evaluate)
