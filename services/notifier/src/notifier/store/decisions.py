"""Decisions that can change: feedback that is held as spam, and what was released."""

from datetime import datetime

from hearback_kit.db import Connection
from hearback_kit.db.rows import delete_some
from sqlalchemy import update

from notifier.domain.decision import Rule, Verdict
from notifier.store.tables import DECISIONS


async def release(connection: Connection, project_id: int, event_id: str, at: datetime) -> bool:
    """Turn a held decision into a notified one; return whether it was held."""
    statement = (
        update(DECISIONS)
        .where(
            DECISIONS.c.project_id == project_id,
            DECISIONS.c.event_id == event_id,
            DECISIONS.c.verdict == str(Verdict.HELD),
        )
        .values(verdict=str(Verdict.NOTIFIED), rule=str(Rule.NOT_SPAM), decided_at=at)
    )
    return (await connection.execute(statement)).rowcount == 1


async def delete_decisions(connection: Connection, before: datetime, chunk_max: int) -> int:
    """Delete up to `chunk_max` decisions older than `before`; return how many."""
    return await delete_some(connection, DECISIONS, DECISIONS.c.decided_at < before, limit=chunk_max)
