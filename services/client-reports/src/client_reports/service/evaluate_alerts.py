"""Evaluate alert rules: measure what they watch and store their state."""

from hearback_kit.clock import Clock
from hearback_kit.db import Database
from hearback_kit.errors import Unavailable
from hearback_kit.logs import get_logger

from client_reports import metrics
from client_reports.domain.alerts import AlertState, AlertStatus, Evaluation, Hysteresis, evaluate
from client_reports.store.alert_rules import find_watched_projects, lock_rules, measure, write_evaluations

_log = get_logger(__name__)


class AlertEvaluator:
    """Evaluates the rules of each project in a transaction of its own: a large one holds up no other."""

    def __init__(self, database: Database, clock: Clock, hysteresis: Hysteresis, *, events_max: int) -> None:
        self._database = database
        self._clock = clock
        self._hysteresis = hysteresis
        self._events_max = events_max

    async def evaluate(self) -> None:
        """Evaluate every rule that is on; a project for which that fails is left until the next time."""
        async with self._database.connection() as connection:
            projects = await find_watched_projects(connection)
        firing = 0
        for project_id in projects:
            try:
                evaluations = await self._evaluate(project_id)
            except Unavailable as error:
                metrics.ALERT_FAILURES.inc()
                _log.warning("alerts_not_evaluated", project_id=project_id, reason=error.detail)
                continue
            firing += sum(one.state.status is AlertStatus.FIRING for one in evaluations)
        metrics.ALERTS_FIRING.set(firing)

    async def _evaluate(self, project_id: int) -> list[Evaluation]:
        now = self._clock.now()
        async with self._database.transaction() as connection:
            rules = await lock_rules(connection, project_id)
            if not rules:
                return []
            measured = await measure(connection, project_id, now)
            evaluations = [
                evaluate(
                    rule.id, rule.values, AlertState(rule.status, rule.low_since), measured, now, self._hysteresis
                )
                for rule in rules
            ]
            await write_evaluations(connection, evaluations, now, events_max=self._events_max)
        for one in evaluations:
            if one.changed:
                _log.warning("alert_changed", rule=one.rule_id, status=str(one.state.status), value=one.value)
        return evaluations
