"""Alert rules, their measurements, and their history."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from hearback_contracts.outcomes import Outcome
from hearback_kit.db import Connection
from hearback_kit.db.prepared import fetch
from hearback_kit.db.rows import columns, list_records, record
from sqlalchemy import Row, and_, bindparam, delete, func, insert, select, text, update

from client_reports.domain.alerts import (
    WINDOW_MINUTES,
    AlertKind,
    AlertStatus,
    Evaluation,
    Measured,
    RuleValues,
    Totals,
)
from client_reports.store.tables import ALERT_EVENT, ALERT_RULE, PROJECT_ACTIVITY

_LOCK_CLASS: Final = 7_403_003
_TOTALS: Final = f"""
    SELECT category, reason, outcome, sum(quantity)::float8 FROM counter_minutes
    WHERE project_id = $1 AND bucket > $2 AND outcome IN ({int(Outcome.CLIENT_DISCARD)}, {int(Outcome.ACCEPTED)})
    GROUP BY 1, 2, 3
"""
_FORGET: Final = """
    DELETE FROM alert_event WHERE id IN (
        SELECT id FROM (
            SELECT id, row_number() OVER (PARTITION BY rule_id ORDER BY id DESC) AS position
            FROM alert_event WHERE rule_id = ANY (:rules)
        ) AS numbered
        WHERE position > :kept
    )
"""


@dataclass(frozen=True, slots=True)
class AlertRule:
    """A rule with its state."""

    id: int
    organization_id: int
    values: RuleValues
    created_at: datetime
    status: AlertStatus
    value: float | None
    low_since: datetime | None
    evaluated_at: datetime | None
    triggered_at: datetime | None
    resolved_at: datetime | None


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """A change of a rule's status."""

    at: datetime
    status: AlertStatus
    value: float | None


async def create_rule(
    connection: Connection, organization_id: int, values: RuleValues, now: datetime
) -> AlertRule:
    statement = insert(ALERT_RULE).values(
        **_columns(values), organization_id=organization_id, created_at=now, status=str(AlertStatus.OK)
    )
    return _rule((await connection.execute(statement.returning(ALERT_RULE))).one())


async def count_rules(connection: Connection, organization_id: int, project_id: int) -> tuple[int, int]:
    """Return how many rules an organization has, and how many of them watch a project.

    Serializes concurrent creations.
    """
    await connection.execute(
        text("SELECT pg_advisory_xact_lock(:class, :lock)"),
        {"class": _LOCK_CLASS, "lock": organization_id % (1 << 31)},
    )
    of_project = func.count().filter(ALERT_RULE.c.project_id == project_id)
    statement = select(func.count(), of_project).where(ALERT_RULE.c.organization_id == organization_id)
    row = (await connection.execute(statement)).one()
    return int(row[0]), int(row[1])


async def list_rules(connection: Connection, organization_id: int) -> list[AlertRule]:
    """Return every rule of an organization, oldest first."""
    statement = select(ALERT_RULE).where(ALERT_RULE.c.organization_id == organization_id)
    return [_rule(row) for row in (await connection.execute(statement.order_by(ALERT_RULE.c.id))).all()]


async def find_rule(connection: Connection, organization_id: int, rule_id: int) -> AlertRule | None:
    row = (await connection.execute(select(ALERT_RULE).where(_is(organization_id, rule_id)))).first()
    return None if row is None else _rule(row)


async def replace_rule(
    connection: Connection, organization_id: int, rule_id: int, values: RuleValues
) -> AlertRule | None:
    """Replace a rule's definition and reset its state; return None if it does not exist."""
    statement = update(ALERT_RULE).where(_is(organization_id, rule_id))
    changed = statement.values(**_columns(values), status=str(AlertStatus.OK), value=None, low_since=None)
    row = (await connection.execute(changed.returning(ALERT_RULE))).first()
    return None if row is None else _rule(row)


async def delete_rule(connection: Connection, organization_id: int, rule_id: int) -> bool:
    """Delete a rule with its history; return whether there was one."""
    result = await connection.execute(delete(ALERT_RULE).where(_is(organization_id, rule_id)))
    return bool(result.rowcount)


async def list_events(connection: Connection, rule_id: int, limit: int) -> list[AlertEvent]:
    """Return the latest changes of a rule, newest first."""
    statement = select(*columns(AlertEvent, ALERT_EVENT)).where(ALERT_EVENT.c.rule_id == rule_id)
    latest = statement.order_by(ALERT_EVENT.c.id.desc()).limit(limit)
    return await list_records(connection, AlertEvent, latest, status=AlertStatus)


async def find_watched_projects(connection: Connection) -> list[int]:
    statement = select(ALERT_RULE.c.project_id).where(ALERT_RULE.c.enabled).distinct()
    return list((await connection.execute(statement.order_by(ALERT_RULE.c.project_id))).scalars())


async def lock_rules(connection: Connection, project_id: int) -> list[AlertRule]:
    """Lock and return the rules of a project, skipping those that another worker is evaluating."""
    statement = select(ALERT_RULE).where(ALERT_RULE.c.project_id == project_id, ALERT_RULE.c.enabled)
    rows = (await connection.execute(statement.with_for_update(skip_locked=True).order_by(ALERT_RULE.c.id))).all()
    return [_rule(row) for row in rows]


async def measure(connection: Connection, project_id: int, now: datetime) -> Measured:
    """Return what a project accepted and discarded in the last hour, and when it last sent data."""
    since = now - timedelta(minutes=WINDOW_MINUTES)
    totals = [Totals(*row) for row in await fetch(connection, _TOTALS, project_id, since)]
    statement = select(PROJECT_ACTIVITY.c.last_seen).where(PROJECT_ACTIVITY.c.project_id == project_id)
    return Measured(tuple(totals), await connection.scalar(statement))


async def write_evaluations(
    connection: Connection, evaluated: Sequence[tuple[AlertRule, Evaluation]], now: datetime, *, events_max: int
) -> None:
    """Store the new states of rules, and the latest `events_max` status changes of each."""
    states = [
        {
            "rule_id": rule.id,
            "status": str(one.state.status),
            "value": one.value,
            "low_since": one.state.low_since,
            "evaluated_at": now,
            "triggered_at": now if one.changed and one.state.is_firing else rule.triggered_at,
            "resolved_at": now if one.changed and not one.state.is_firing else rule.resolved_at,
        }
        for rule, one in evaluated
    ]
    await connection.execute(update(ALERT_RULE).where(ALERT_RULE.c.id == bindparam("rule_id")), states)
    events = [
        {"rule_id": rule.id, "at": now, "status": str(one.state.status), "value": one.value}
        for rule, one in evaluated
        if one.changed
    ]
    if events:
        await connection.execute(insert(ALERT_EVENT), events)
        await connection.execute(
            text(_FORGET), {"rules": [event["rule_id"] for event in events], "kept": events_max}
        )


def _is(organization_id: int, rule_id: int) -> Any:
    return and_(ALERT_RULE.c.organization_id == organization_id, ALERT_RULE.c.id == rule_id)


def _columns(values: RuleValues) -> dict[str, Any]:
    return asdict(values) | {"kind": str(values.kind), "reasons": list(values.reasons) if values.reasons else None}


def _rule(row: Row[Any]) -> AlertRule:
    return record(AlertRule, row, values=_values, status=AlertStatus)


def _values(row: Row[Any]) -> RuleValues:
    return record(RuleValues, row, kind=AlertKind, reasons=lambda given: tuple(given) if given else None)
