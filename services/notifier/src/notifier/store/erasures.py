"""Deliveries about or to a person: found by scanning windows of rows, as no index covers addresses."""

from collections.abc import Sequence

from hearback_kit.db import Connection
from hearback_kit.db.addresses import has_address
from hearback_kit.db.planning import IN_ORDER
from hearback_kit.db.rows import count_changed, is_among, unindexed
from hearback_kit.db.rowsets import Types, arrays, for_each
from sqlalchemy import BigInteger, Text, and_, delete, func, or_, select

from notifier.store.tables import DELIVERIES, FINISHED


async def find_last(connection: Connection, after: int, rows_max: int) -> int | None:
    """Return the last id of the next `rows_max` deliveries after an id, or None."""
    rows = (
        select(DELIVERIES.c.id).where(DELIVERIES.c.id > after).order_by(DELIVERIES.c.id).limit(rows_max).subquery()
    )
    await connection.execute(IN_ORDER)
    last: int | None = await connection.scalar(select(func.max(rows.c.id)))
    return last


async def delete_of_address(connection: Connection, address: str, after: int, last: int) -> int:
    """Delete deliveries with ids in (after, last] about the person, and finished ones to the person."""
    about = has_address(address, [DELIVERIES.c.notice["contact"].astext])
    is_target = has_address(address, [DELIVERIES.c.target])
    here = and_(DELIVERIES.c.id > after, DELIVERIES.c.id <= last)
    theirs = or_(about, and_(is_target, DELIVERIES.c.state.in_(FINISHED)))
    return int((await connection.execute(delete(DELIVERIES).where(here, theirs))).rowcount)


async def delete_of_submissions(connection: Connection, keys: Sequence[tuple[int, str]]) -> int:
    """Delete deliveries about submissions, by project and event id."""
    if not keys:
        return 0
    types: Types = {"project_id": BigInteger(), "subject_id": Text()}
    projects, subjects = zip(*keys, strict=True)
    wanted = arrays("wanted", types, {"project_id": projects, "subject_id": subjects})
    is_of = (DELIVERIES.c.subject_id == wanted.c.subject_id) & (
        unindexed(DELIVERIES.c.project_id) == wanted.c.project_id
    )
    chosen = for_each(wanted, select(DELIVERIES.c.id).where(is_of))
    return await count_changed(connection, delete(DELIVERIES).where(is_among(DELIVERIES.c.id, chosen)))
