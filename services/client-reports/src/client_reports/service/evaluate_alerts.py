"""Evaluate alert rules and store their state."""

from dataclasses import dataclass
from datetime import datetime

from hearback_contracts.notices import AlertChanged
from hearback_contracts.streams import ALERT_CHANGED
from hearback_fleet.messages import outgoing
from hearback_fleet.unit_of_work import UnitOfWork
from hearback_kit.bus import Outgoing
from hearback_kit.errors import Unavailable
from hearback_kit.logs import get_logger
from hearback_kit.values.ids import new_id

from client_reports import metrics
from client_reports.domain.alerts import AlertState, Evaluation, Hysteresis, evaluate
from client_reports.store.alert_rules import (
    AlertRule,
    find_watched_projects,
    lock_rules,
    measure,
    write_evaluations,
)

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AlertEvaluator:
    """Evaluates the rules of each project in its own transaction, so that a large project delays no other.

    Changes are announced through the outbox, in the same transaction.
    """

    unit_of_work: UnitOfWork
    hysteresis: Hysteresis
    events_max: int

    async def evaluate(self) -> None:
        """Evaluate every enabled rule; a project that fails is retried by the next run."""
        projects = await self.unit_of_work.database.read(find_watched_projects)
        firing = 0
        for project_id in projects:
            try:
                evaluations = await self._evaluate(project_id)
            except Unavailable as error:
                metrics.ALERT_FAILURES.inc()
                _log.warning("alerts_not_evaluated", project_id=project_id, reason=error.detail)
                continue
            firing += sum(one.state.is_firing for one in evaluations)
        metrics.ALERTS_FIRING.set(firing)

    async def _evaluate(self, project_id: int) -> list[Evaluation]:
        now = self.unit_of_work.clock.now()
        async with self.unit_of_work.begin() as work:
            connection = work.connection
            rules = await lock_rules(connection, project_id)
            if not rules:
                return []
            measured = await measure(connection, project_id, now)
            evaluated = []
            for rule in rules:
                before = AlertState(rule.status, rule.low_since)
                evaluated.append((rule, evaluate(rule.values, before, measured, now, self.hysteresis)))
            await write_evaluations(connection, evaluated, now, events_max=self.events_max)
            changed = [(rule, one) for rule, one in evaluated if one.changed]
            work.messages.extend(self._notice(rule, one, now) for rule, one in changed)
        for rule, one in changed:
            _log.warning("alert_changed", rule=rule.id, status=str(one.state.status), value=one.value)
        return [one for _, one in evaluated]

    def _notice(self, rule: AlertRule, evaluation: Evaluation, now: datetime) -> Outgoing:
        notice = AlertChanged(
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
        return outgoing(ALERT_CHANGED, notice, self.unit_of_work.shards)
