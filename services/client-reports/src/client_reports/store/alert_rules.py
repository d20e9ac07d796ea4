"""Alert rules, what they measure, and how they stood."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from hearback_contracts.outcomes import Outcome
from hearback_kit.db import Connection
from sqlalchemy import and_, bindparam, case, delete, func, insert, literal, or_, select, text, update

from client_reports.domain.alerts import AlertKind, AlertStatus
from client_reports.store.tables import ALERT_EVENT, ALERT_RULE, COUNTER_MINUTES, PROJECT_ACTIVITY

WINDOW: Final = timedelta(hours=1)
_LOCK: Final = 7_403_003


async def create_rule(connection: Connection, values: Mapping[str, Any], now: datetime) -> Any:
    """Store a rule; returns its row."""
    statement = insert(ALERT_RULE).values(**values, created_at=now, status=str(AlertStatus.OK))
    return (await connection.execute(statement.returning(ALERT_RULE))).one()


async def count_rules(connection: Connection, organization_id: int) -> int:
    """How many rules an organization has; waits for others who are about to add one."""
    await connection.execute(
        text("SELECT pg_advisory_xact_lock(:class, :lock)"),
        {"class": _LOCK, "lock": organization_id % (1 << 31)},
    )
    statement = select(func.count()).where(ALERT_RULE.c.organization_id == organization_id)
    return int(await connection.scalar(statement) or 0)


async def list_rules(connection: Connection, organization_id: int) -> Sequence[Any]:
    """Every rule of an organization, oldest first (their number is bounded)."""
    statement = select(ALERT_RULE).where(ALERT_RULE.c.organization_id == organization_id)
    return (await connection.execute(statement.order_by(ALERT_RULE.c.id))).all()


async def find_rule(connection: Connection, organization_id: int, rule_id: int) -> Any:
    """A rule of an organization, or None."""
    return (await connection.execute(select(ALERT_RULE).where(_is(organization_id, rule_id)))).first()


async def change_rule(
    connection: Connection, organization_id: int, rule_id: int, values: Mapping[str, Any]
) -> Any:
    """Change a rule, which then starts anew; returns its row, or None when there is none."""
    statement = update(ALERT_RULE).where(_is(organization_id, rule_id))
    changed = statement.values(**values, status=str(AlertStatus.OK), value=None, low_since=None)
    return (await connection.execute(changed.returning(ALERT_RULE))).first()


async def delete_rule(connection: Connection, organization_id: int, rule_id: int) -> bool:
    """Delete a rule and its history; tells whether there was one."""
    result = await connection.execute(delete(ALERT_RULE).where(_is(organization_id, rule_id)))
    return bool(result.rowcount)


async def list_events(connection: Connection, rule_id: int, limit: int) -> Sequence[Any]:
    """The latest changes of a rule, newest first."""
    statement = select(ALERT_EVENT).where(ALERT_EVENT.c.rule_id == rule_id)
    return (await connection.execute(statement.order_by(ALERT_EVENT.c.id.desc()).limit(limit))).all()


def _is(organization_id: int, rule_id: int) -> Any:
    return and_(ALERT_RULE.c.organization_id == organization_id, ALERT_RULE.c.id == rule_id)


async def lock_evaluation(connection: Connection) -> bool:
    """Whether this worker may evaluate now: one at a time is enough."""
    return bool(await connection.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _LOCK}))


async def measure(connection: Connection, now: datetime) -> Sequence[Any]:
    """Every rule that is on, with `discarded` and `accepted` of the last hour and `last_seen`."""
    counter, rule = COUNTER_MINUTES.c, ALERT_RULE.c
    discarded = and_(
        counter.outcome == int(Outcome.CLIENT_DISCARD),
        or_(rule.reasons.is_(None), counter.reason == func.any(rule.reasons)),
    )
    accepted = counter.outcome == int(Outcome.ACCEPTED)
    sums = (
        select(
            func.coalesce(func.sum(case((discarded, counter.quantity), else_=literal(0))), 0).label("discarded"),
            func.coalesce(func.sum(case((accepted, counter.quantity), else_=literal(0))), 0).label("accepted"),
        )
        .where(
            counter.project_id == rule.project_id,
            counter.bucket > now - WINDOW,
            or_(rule.category.is_(None), counter.category == rule.category),
            rule.kind != str(AlertKind.SILENCE),
        )
        .correlate(ALERT_RULE)
        .lateral("sums")
    )
    statement = (
        select(ALERT_RULE, sums.c.discarded, sums.c.accepted, PROJECT_ACTIVITY.c.last_seen)
        .join_from(ALERT_RULE, sums, literal(True))
        .outerjoin(PROJECT_ACTIVITY, PROJECT_ACTIVITY.c.project_id == rule.project_id)
        .where(rule.enabled)
        .order_by(rule.id)
    )
    return (await connection.execute(statement)).all()


async def write_standings(
    connection: Connection, standings: Sequence[Mapping[str, Any]], events: Sequence[Mapping[str, Any]]
) -> None:
    """Store how rules stand (`rule_id`, `new_…` values) and the changes of status."""
    if not standings:
        return
    names = ("status", "value", "low_since", "evaluated_at", "triggered_at", "resolved_at")
    statement = update(ALERT_RULE).where(ALERT_RULE.c.id == bindparam("rule_id"))
    await connection.execute(statement.values({name: bindparam(f"new_{name}") for name in names}), list(standings))
    if events:
        await connection.execute(insert(ALERT_EVENT), list(events))
