"""Notification rules of projects."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hearback_kit.db import Connection
from hearback_kit.db.rows import record
from sqlalchemy import ColumnElement, Row, and_, delete, func, insert, select, update

from notifier.domain.recipients import Channel, NotificationRule, WebhookFormat
from notifier.store.tables import NOTIFICATION_RULES as RULES


def _rule(row: Row[Any]) -> NotificationRule:
    return record(NotificationRule, row, sources=tuple, environments=tuple, channel=Channel, format=WebhookFormat)


async def list_rules(connection: Connection, project_id: int) -> list[NotificationRule]:
    """Return a project's rules, oldest first."""
    found = await connection.execute(select(RULES).where(RULES.c.project_id == project_id).order_by(RULES.c.id))
    return [_rule(row) for row in found]


async def find_rule(connection: Connection, project_id: int, rule_id: int) -> NotificationRule | None:
    row = (await connection.execute(select(RULES).where(_is(project_id, rule_id)))).one_or_none()
    return _rule(row) if row else None


async def count_rules(connection: Connection, project_id: int) -> int:
    """Return how many rules a project has; serializes concurrent creations."""
    await connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"rules:{project_id}"))))
    statement = select(func.count()).select_from(RULES).where(RULES.c.project_id == project_id)
    return int((await connection.execute(statement)).scalar_one())


async def insert_rule(connection: Connection, values: Mapping[str, Any], at: datetime) -> NotificationRule:
    statement = insert(RULES).values(**values, created_at=at).returning(RULES)
    return _rule((await connection.execute(statement)).one())


async def update_rule(
    connection: Connection, project_id: int, rule_id: int, values: Mapping[str, Any]
) -> NotificationRule | None:
    """Change and return a rule, or None."""
    statement = update(RULES).where(_is(project_id, rule_id)).values(**values).returning(RULES)
    row = (await connection.execute(statement)).one_or_none()
    return _rule(row) if row else None


async def delete_rule(connection: Connection, project_id: int, rule_id: int) -> bool:
    """Delete a rule; return whether there was one."""
    return (await connection.execute(delete(RULES).where(_is(project_id, rule_id)))).rowcount == 1


def _is(project_id: int, rule_id: int) -> ColumnElement[bool]:
    return and_(RULES.c.project_id == project_id, RULES.c.id == rule_id)
