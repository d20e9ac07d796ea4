"""A person's reports and events by e-mail address: read in windows, for there is no index of addresses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hearback_kit.db import Connection
from sqlalchemy import delete, func, null, or_, select, update

from user_reports.domain.model import Report
from user_reports.store.reports import COLUMNS, report_of
from user_reports.store.tables import CONTACT, EVENTS, REPORTS


@dataclass(frozen=True, slots=True)
class Window:
    """Ids of a window's reports that name the person, and the window's last id; None after the last window."""

    ids: Sequence[int]
    last: int | None


def _user_is(table: Any, address: str) -> Any:
    return func.lower(func.btrim(table.op("->>")("email"))) == address


async def find_of_address(connection: Connection, address: str, after: int, rows_max: int) -> Window:
    """Look at up to `rows_max` reports after an id for one that has the address, which is in lower case."""
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
    return Window(ids or [], last)


async def delete_theirs(connection: Connection, ids: Sequence[int], address: str) -> list[Report]:
    """Delete those of the reports that the person wrote; return them."""
    wrote = or_(func.lower(func.btrim(REPORTS.c.email)) == address, address == CONTACT)
    statement = delete(REPORTS).where(REPORTS.c.id.in_(list(ids)), wrote).returning(*COLUMNS)
    return [report_of(row) for row in await connection.execute(statement)]


async def forget_users(connection: Connection, ids: Sequence[int], address: str) -> int:
    """Remove the person from other people's reports, where it is the user of the event; return how many."""
    statement = update(REPORTS).where(REPORTS.c.id.in_(list(ids)), _user_is(REPORTS.c.event_user, address))
    return int((await connection.execute(statement.values(event_user=null()))).rowcount)


async def find_period(connection: Connection) -> tuple[datetime, datetime] | None:
    """Return when the oldest and the newest event were received; None without any."""
    first, last = (
        await connection.execute(select(func.min(EVENTS.c.received_at), func.max(EVENTS.c.received_at)))
    ).one()
    return None if first is None else (first, last)


async def forget_event_users(connection: Connection, address: str, since: datetime, until: datetime) -> int:
    """Remove the person from the events of a period, of which they stay; return how many."""
    theirs = _user_is(EVENTS.c.user, address)
    statement = update(EVENTS).where(EVENTS.c.received_at >= since, EVENTS.c.received_at < until, theirs)
    return int((await connection.execute(statement.values(user=null()))).rowcount)
