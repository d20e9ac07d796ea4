"""Alert rules, their measurements, and their history."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final

from hearback_contracts.outcomes import Outcome
from hearback_kit.db import Connection
from hearback_kit.db.rows import record
from sqlalchemy import Row, and_, delete, func, insert, select, text, update

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
from client_reports.store.writes import Shape, Write, execute_writes, fetch

_LOCK_CLASS: Final = 7_403_003
_TOTALS: Final = f"""
    SELECT category, reason, outcome, sum(quantity)::float8 FROM counter_minutes
    WHERE project_id = $1 AND bucket > $2 AND outcome IN ({int(Outcome.CLIENT_DISCARD)}, {int(Outcome.ACCEPTED)})
    GROUP BY 1, 2, 3
"""
_EVALUATED: Final = Shape(
    "UPDATE alert_rule AS stored SET status = added.status, value = added.value, low_since = added.low_since,"
    " evaluated_at = added.at, triggered_at = coalesce(added.triggered_at, stored.triggered_at),"
    " resolved_at = coalesce(added.resolved_at, stored.resolved_at) FROM {rows} WHERE stored.id = added.id",
    (
        ("id", "bigint"),
        ("status", "text"),
        ("value", "float8"),
        ("low_since", "timestamptz"),
        ("at", "timestamptz"),
        ("triggered_at", "timestamptz"),
        ("resolved_at", "timestamptz"),
    ),
)
_CHANGED: Final = Shape(
    "INSERT INTO alert_event (rule_id, at, status, value) SELECT rule_id, at, status, value FROM {rows}",
    (("rule_id", "bigint"), ("at", "timestamptz"), ("status", "text"), ("value", "float8")),
)
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
    table = ALERT_EVENT.c
    statement = select(table.at, table.status, table.value).where(table.rule_id == rule_id)
    rows = (await connection.execute(statement.order_by(table.id.desc()).limit(limit))).all()
    return [AlertEvent(at, AlertStatus(status), value) for at, status, value in rows]


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
    connection: Connection, evaluations: Sequence[Evaluation], now: datetime, *, events_max: int
) -> None:
    """Store the new states of rules, and the latest `events_max` status changes of each."""
    changed = [one for one in evaluations if one.changed]
    states = [
        (
            one.rule_id,
            str(one.state.status),
            one.value,
            one.state.low_since,
            now,
            now if one.changed and one.state.status is AlertStatus.FIRING else None,
            now if one.changed and one.state.status is AlertStatus.OK else None,
        )
        for one in evaluations
    ]
    events = [(one.rule_id, now, str(one.state.status), one.value) for one in changed]
    await execute_writes(
        connection,
        [
            Write(shape, [list(column) for column in zip(*rows, strict=True)])
            for shape, rows in ((_EVALUATED, states), (_CHANGED, events))
            if rows
        ],
    )
    if changed:
        parameters = {"rules": [one.rule_id for one in changed], "kept": events_max}
        await connection.execute(text(_FORGET), parameters)


def _is(organization_id: int, rule_id: int) -> Any:
    return and_(ALERT_RULE.c.organization_id == organization_id, ALERT_RULE.c.id == rule_id)


def _columns(values: RuleValues) -> dict[str, Any]:
    columns = dict(zip((field.name for field in fields(values)), astuple(values), strict=True))
    return columns | {"kind": str(values.kind), "reasons": list(values.reasons) if values.reasons else None}


def _rule(row: Row[Any]) -> AlertRule:
    return record(AlertRule, row, values=_values, status=AlertStatus)


def _values(row: Row[Any]) -> RuleValues:
    return record(RuleValues, row, kind=AlertKind, reasons=lambda given: tuple(given) if given else None)
