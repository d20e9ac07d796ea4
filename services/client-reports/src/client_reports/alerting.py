"""The periodic look at the alert rules."""

from datetime import datetime
from typing import Any

from hearback_kit.clock import Clock
from hearback_kit.db import Database
from hearback_kit.logs import get_logger

from client_reports import metrics
from client_reports.domain.alerts import AlertKind, AlertStatus, Hysteresis, Standing, share_of, stand
from client_reports.settings import Settings
from client_reports.store.alert_rules import lock_evaluation, measure, write_standings

_log = get_logger(__name__)


class Alerting:
    """Measures what rules watch and stores how they stand; a look that is repeated changes nothing."""

    def __init__(self, database: Database, settings: Settings, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._hysteresis = Hysteresis(settings.alert_resolve_share, settings.alert_resolve_minutes)

    async def evaluate(self) -> None:
        """Look at every rule that is on, in one transaction."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            if not await lock_evaluation(connection):
                return
            standings, events = [], []
            for row in await measure(connection, now):
                standing, changed = self._look(row, now)
                standings.append(standing)
                if changed:
                    events.append(
                        {
                            "rule_id": row.id,
                            "at": now,
                            "status": standing["new_status"],
                            "value": standing["new_value"],
                        }
                    )
            await write_standings(connection, standings, events)
        metrics.ALERTS_FIRING.set(sum(s["new_status"] == AlertStatus.FIRING for s in standings))

    def _look(self, row: Any, now: datetime) -> tuple[dict[str, Any], bool]:
        value = _value(row, now)
        before = Standing(AlertStatus(row.status), row.low_since)
        after = stand(before, AlertKind(row.kind), row.threshold, value, now, self._hysteresis)
        changed = after.status is not before.status
        firing = after.status is AlertStatus.FIRING
        if changed:
            _log.warning("alert_changed", rule=row.id, status=str(after.status), value=value)
        return {
            "rule_id": row.id,
            "new_status": str(after.status),
            "new_value": value,
            "new_low_since": after.low_since,
            "new_evaluated_at": now,
            "new_triggered_at": now if changed and firing else row.triggered_at,
            "new_resolved_at": now if changed and not firing else row.resolved_at,
        }, changed


def _value(row: Any, now: datetime) -> float:
    """What the rule watches; a project that never sent anything is not silent, it has not begun."""
    if row.kind == AlertKind.SILENCE:
        return (now - row.last_seen).total_seconds() / 3600 if row.last_seen else 0.0
    if row.kind == AlertKind.DISCARD_SHARE:
        return share_of(float(row.discarded), float(row.accepted))
    return float(row.discarded)
