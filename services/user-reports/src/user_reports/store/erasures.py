"""A person's reports and events by e-mail address: found by scanning windows, as no index covers addresses."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from hearback_kit.db import Connection
from hearback_kit.db.rows import count_changed
from sqlalchemy import delete, func, null, or_, select, update

from user_reports.domain.model import Report
from user_reports.store.reports import COLUMNS, report_of
from user_reports.store.tables import CONTACT, EVENTS, REPORTS


def _user_is(table: Any, address: str) -> Any:
    return func.lower(func.btrim(table.op("->>")("email"))) == address


async def find_of_address(
    connection: Connection, address: str, after: int, rows_max: int
) -> tuple[Sequence[int], int | None]:
    """Scan up to `rows_max` reports after an id for an address in lower case.

    Return the matching ids, and the last id that was scanned: None when there was none.
    """
    rows = (
        select(REPORTS.c.id, REPORTS.c.email, REPORTS.c.event_user)
        .where(REPORTS.c.id > after)
        .order_by(REPORTS.c.id)
        .limit(rows_max)
        .subquery()
    )
    is_theirs = or_(func.lower(func.btrim(rows.c.email)) == address, _user_is(rows.c.event_user, address))
    statement = select(func.max(rows.c.id), func.array_agg(rows.c.id).filter(is_theirs))
    last, ids = (await connection.execute(statement)).one()
    return ids or [], last


async def delete_theirs(connection: Connection, ids: Sequence[int], address: str) -> list[Report]:
    """Delete and return the reports among `ids` that the person wrote."""
    wrote = or_(func.lower(func.btrim(REPORTS.c.email)) == address, address == CONTACT)
    statement = delete(REPORTS).where(REPORTS.c.id.in_(list(ids)), wrote).returning(*COLUMNS)
    return [report_of(row) for row in await connection.execute(statement)]


async def forget_users(connection: Connection, ids: Sequence[int], address: str) -> int:
    """Clear the person as the event's user from other people's reports; return how many."""
    statement = update(REPORTS).where(REPORTS.c.id.in_(list(ids)), _user_is(REPORTS.c.event_user, address))
    return await count_changed(connection, statement.values(event_user=null()))


async def find_period(connection: Connection) -> tuple[datetime, datetime] | None:
    """Return when the oldest and the newest event were received, or None."""
    first, last = (
        await connection.execute(select(func.min(EVENTS.c.received_at), func.max(EVENTS.c.received_at)))
    ).one()
    return None if first is None else (first, last)


async def forget_event_users(connection: Connection, address: str, since: datetime, until: datetime) -> int:
    """Clear the person as the user of events received in a period; return how many."""
    theirs = _user_is(EVENTS.c.user, address)
    statement = update(EVENTS).where(EVENTS.c.received_at >= since, EVENTS.c.received_at < until, theirs)
    return await count_changed(connection, statement.values(user=null()))
