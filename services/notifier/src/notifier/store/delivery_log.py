"""Queries of the delivery log."""

from hearback_kit.db import Connection
from hearback_kit.db.rows import Window, read_window
from sqlalchemy import and_, or_, select

from notifier.store.deliveries import Delivery, as_delivery
from notifier.store.tables import DELIVERIES


async def find_delivery(connection: Connection, project_id: int, delivery_id: int) -> Delivery | None:
    where = and_(DELIVERIES.c.project_id == project_id, DELIVERIES.c.id == delivery_id)
    row = (await connection.execute(select(DELIVERIES).where(where))).one_or_none()
    return as_delivery(row) if row else None


async def list_deliveries(
    connection: Connection,
    project_id: int,
    window: Window,
    *,
    state: str | None = None,
    subject_id: str | None = None,
    search: str | None = None,
    rule_id: int | None = None,
) -> list[Delivery]:
    """Return the deliveries of a window over those of a project, newest first.

    `search` matches a part of the target, case-insensitively, or the whole subject id.
    """
    statement = select(DELIVERIES).where(DELIVERIES.c.project_id == project_id)
    if state:
        statement = statement.where(DELIVERIES.c.state == state)
    if subject_id:
        statement = statement.where(DELIVERIES.c.subject_id == subject_id)
    if search:
        is_found = or_(DELIVERIES.c.target.icontains(search, autoescape=True), DELIVERIES.c.subject_id == search)
        statement = statement.where(is_found)
    if rule_id is not None:
        statement = statement.where(DELIVERIES.c.rule_id == rule_id)
    return await read_window(connection, as_delivery, statement, (DELIVERIES.c.id,), window)
