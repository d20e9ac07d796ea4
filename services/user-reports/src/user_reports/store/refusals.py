"""Ids of refused messages, so that a refusal is recorded once, even if it is redelivered."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from hearback_kit.db import Connection
from hearback_kit.db.prepared import Prepared
from hearback_kit.db.rows import delete_some
from hearback_kit.db.rowsets import arrays
from sqlalchemy import Text, bindparam, select
from sqlalchemy.dialects.postgresql import insert

from user_reports.store.tables import REFUSALS


def _add() -> Any:
    ids = arrays("batch", {"ids": Text()})
    rows = select(ids.c.ids, bindparam("at", type_=REFUSALS.c.refused_at.type))
    statement = insert(REFUSALS).from_select(["message_id", "refused_at"], rows)
    return statement.on_conflict_do_nothing().returning(REFUSALS.c.message_id)


ADD: Final = Prepared(_add())


async def add_refusals(connection: Connection, message_ids: Sequence[str], at: datetime) -> set[str]:
    """Store ids of refused messages; return the new ones, whose refusal is to be recorded."""
    if not message_ids:
        return set()
    rows = await ADD.execute(connection, ids=list(message_ids), at=at)
    return set(rows.scalars())


async def delete_refusals(connection: Connection, before: datetime, limit: int) -> int:
    """Delete up to `limit` refusals from before a time; return how many."""
    return await delete_some(connection, REFUSALS, REFUSALS.c.refused_at < before, limit=limit)
