"""A person's reports and events by e-mail address: found by scanning windows, as no index covers addresses."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hearback_kit.db import Connection
from hearback_kit.db.addresses import has_address
from hearback_kit.db.planning import IN_ORDER
from hearback_kit.db.rows import count_changed
from sqlalchemy import case, column, delete, func, null, or_, select, table, text, update
from sqlalchemy.dialects.postgresql import JSONB

from user_reports.domain.model import Report
from user_reports.store.reports import COLUMNS, report_of
from user_reports.store.tables import CONTACT, REPORTS


async def find_of_address(
    connection: Connection, address: str, after: int, rows_max: int
) -> tuple[Sequence[int], int | None]:
    """Scan up to `rows_max` reports after an id for an address; many apps have it as the id or the name of a user.

    Return the matching ids, and the last id that was scanned: None when there was none.
    """
    rows = (
        select(REPORTS.c.id, REPORTS.c.email, REPORTS.c.name, REPORTS.c.event_user)
        .where(REPORTS.c.id > after)
        .order_by(REPORTS.c.id)
        .limit(rows_max)
        .subquery()
    )
    is_theirs = has_address(address, [rows.c.email, rows.c.name], [rows.c.event_user])
    statement = select(func.max(rows.c.id), func.array_agg(rows.c.id).filter(is_theirs))
    await connection.execute(IN_ORDER)
    last, ids = (await connection.execute(statement)).one()
    return ids or [], last


async def delete_theirs(connection: Connection, ids: Sequence[int], address: str) -> list[Report]:
    """Delete and return the reports among `ids` that the person wrote."""
    wrote = has_address(address, [REPORTS.c.email, REPORTS.c.name, CONTACT])
    statement = delete(REPORTS).where(REPORTS.c.id.in_(list(ids)), wrote).returning(*COLUMNS)
    return [report_of(row) for row in await connection.execute(statement)]


async def forget_users(connection: Connection, ids: Sequence[int], address: str) -> int:
    """Clear the person as the event's user from other people's reports; return how many."""
    is_user = has_address(address, [], [REPORTS.c.event_user])
    statement = update(REPORTS).where(REPORTS.c.id.in_(list(ids)), is_user)
    return await count_changed(connection, statement.values(event_user=null()))


@dataclass(frozen=True, slots=True)
class Part:
    """A table that holds some of the events, and how many blocks it has."""

    name: str
    blocks: int


_PARTS: Final = text(
    """
    SELECT relname, pg_relation_size(relid) / current_setting('block_size')::int
    FROM pg_partition_tree('events') JOIN pg_class ON pg_class.oid = relid WHERE isleaf
    """
)
_IS_WITHIN: Final = "ctid >= CAST(CAST(:first AS text) AS tid) AND ctid < CAST(CAST(:end AS text) AS tid)"


async def list_parts(connection: Connection) -> list[Part]:
    """Return the tables that hold the events."""
    return [Part(*row) for row in await connection.execute(_PARTS)]


async def forget_event_users(connection: Connection, address: str, part: str, first: int, end: int) -> int:
    """Clear the person as the user and from the tags of events in a range of a part's blocks; return how many.

    They are read as they lie, each once: no index is on the time of receipt. A part that was dropped has none.
    """
    if await connection.scalar(text("SELECT to_regclass(:part)"), {"part": part}) is None:
        return 0
    events = table(part, column("user", JSONB), column("tags", JSONB))
    within = text(_IS_WITHIN).bindparams(first=f"({first},0)", end=f"({end},0)")
    is_user, is_tag = (has_address(address, [], [events.c[name]]) for name in ("user", "tags"))
    tag = func.jsonb_each_text(events.c.tags).table_valued("key", "value", name="tag")
    theirs = func.array(select(tag.c.key).where(has_address(address, [tag.c.value])).scalar_subquery())
    statement = update(events).where(within, or_(is_user, is_tag))
    left = {
        "user": case((is_user, null()), else_=events.c.user),
        "tags": case((is_tag, events.c.tags.op("-")(theirs)), else_=events.c.tags),
    }
    return await count_changed(connection, statement.values(left))
