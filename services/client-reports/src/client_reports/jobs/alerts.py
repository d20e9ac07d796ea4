"""Evaluate the alert rules again and again."""

from hearback_fleet.runtime import ServiceRuntime

from client_reports.domain.alerts import Hysteresis
from client_reports.service.evaluate_alerts import AlertEvaluator
from client_reports.settings import Settings


def add_alerts(runtime: ServiceRuntime, settings: Settings) -> None:
    """Evaluate every alert rule that is on, every `alert_seconds`."""
    evaluator = AlertEvaluator(
        runtime.database,
        runtime.outbox,
        runtime.relay,
        runtime.clock,
        Hysteresis(settings.alert_resolve_share, settings.alert_resolve_minutes),
        shards=runtime.shards,
        events_max=settings.alert_events_max,
    )
    runtime.every("alerts", settings.alert_seconds, evaluator.evaluate)
