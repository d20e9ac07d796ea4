"""Deliveries about or to a person: found by scanning windows of rows, as no index covers addresses."""

from collections.abc import Sequence

from hearback_kit.db import Connection
from sqlalchemy import and_, delete, func, or_, select, tuple_

from notifier.store.tables import DELIVERIES, FINISHED


async def find_last(connection: Connection, after: int, rows_max: int) -> int | None:
    """Return the last id of the next `rows_max` deliveries after an id, or None."""
    rows = (
        select(DELIVERIES.c.id).where(DELIVERIES.c.id > after).order_by(DELIVERIES.c.id).limit(rows_max).subquery()
    )
    last: int | None = await connection.scalar(select(func.max(rows.c.id)))
    return last


async def delete_of_address(connection: Connection, address: str, after: int, last: int) -> int:
    """Delete deliveries with ids in (after, last] about the person, and finished ones to the person."""
    contact = func.lower(func.btrim(DELIVERIES.c.notice.op("->>")("contact"))) == address
    target = and_(func.lower(DELIVERIES.c.target) == address, DELIVERIES.c.state.in_(FINISHED))
    here = and_(DELIVERIES.c.id > after, DELIVERIES.c.id <= last)
    return int((await connection.execute(delete(DELIVERIES).where(here, or_(contact, target)))).rowcount)


async def delete_of_submissions(connection: Connection, keys: Sequence[tuple[int, str]]) -> int:
    """Delete deliveries about submissions, by project and event id."""
    if not keys:
        return 0
    theirs = tuple_(DELIVERIES.c.project_id, DELIVERIES.c.subject_id).in_(list(keys))
    return int((await connection.execute(delete(DELIVERIES).where(theirs))).rowcount)
