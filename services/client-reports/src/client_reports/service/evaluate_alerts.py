"""Evaluate alert rules and store their state."""

from datetime import datetime

from hearback_contracts.notices import AlertChanged
from hearback_contracts.streams import ALERT_CHANGED
from hearback_fleet.messages import outgoing
from hearback_fleet.unit_of_work import UnitOfWork
from hearback_kit.errors import Unavailable
from hearback_kit.logs import get_logger
from hearback_kit.values.ids import new_id

from client_reports import metrics
from client_reports.domain.alerts import AlertState, Evaluation, Hysteresis, evaluate
from client_reports.settings import Settings
from client_reports.store.alert_rules import (
    AlertRule,
    find_watched_projects,
    lock_rules,
    measure,
    write_evaluations,
)

_log = get_logger(__name__)


async def evaluate_alerts(unit_of_work: UnitOfWork, settings: Settings) -> None:
    """Evaluate every enabled rule; a project that fails is retried by the next run.

    Each project has its own transaction, so that a large one delays no other.
    """
    firing = 0
    for project_id in await unit_of_work.database.read(find_watched_projects):
        try:
            firing += await _evaluate(unit_of_work, settings, project_id)
        except Unavailable as error:
            metrics.ALERT_FAILURES.inc()
            _log.warning("alerts_not_evaluated", project_id=project_id, reason=error.detail)
    metrics.ALERTS_FIRING.set(firing)


async def _evaluate(unit_of_work: UnitOfWork, settings: Settings, project_id: int) -> int:
    """Evaluate the rules of a project, and announce changes; return how many fire."""
    now = unit_of_work.clock.now()
    hysteresis = Hysteresis(settings.alert_resolve_share, settings.alert_resolve_minutes)
    async with unit_of_work.begin() as work:
        rules = await lock_rules(work.connection, project_id)
        if not rules:
            return 0
        measured = await measure(work.connection, project_id, now)
        evaluated = []
        for rule in rules:
            before = AlertState(rule.status, rule.low_since)
            evaluated.append((rule, evaluate(rule.values, before, measured, now, hysteresis)))
        await write_evaluations(work.connection, evaluated, now, events_max=settings.alert_events_max)
        changed = [(rule, one) for rule, one in evaluated if one.changed]
        work.messages.extend(
            outgoing(ALERT_CHANGED, _notice(rule, one, now), unit_of_work.shards) for rule, one in changed
        )
    for rule, one in changed:
        _log.warning("alert_changed", rule=rule.id, status=str(one.state.status), value=one.value)
    return sum(one.state.is_firing for _, one in evaluated)


def _notice(rule: AlertRule, evaluation: Evaluation, now: datetime) -> AlertChanged:
    return AlertChanged(
        id=new_id(),
        occurred_at=now,
        project_id=rule.values.project_id,
        organization_id=rule.organization_id,
        rule_id=rule.id,
        name=rule.values.name,
        kind=str(rule.values.kind),
        is_firing=evaluation.state.is_firing,
        value=evaluation.value,
        threshold=rule.values.threshold,
        measured_at=now,
    )
