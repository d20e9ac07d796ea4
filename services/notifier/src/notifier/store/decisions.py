"""Decisions: one for each feedback, whichever way and however often its message comes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from hearback_kit.db import Connection
from hearback_kit.db.rowsets import arrays
from sqlalchemy import BigInteger, DateTime, Text, and_, bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from notifier.domain.decision import Decision, Rule, Verdict
from notifier.store.tables import DECISIONS

_BATCH: Final = arrays(
    "batch", {"project_id": BigInteger(), "event_id": Text(), "verdict": Text(), "rule": Text()}
)
_INSERT: Final = (
    upsert(DECISIONS)
    .from_select(
        ["project_id", "event_id", "verdict", "rule", "decided_at"],
        select(
            _BATCH.c.project_id,
            _BATCH.c.event_id,
            _BATCH.c.verdict,
            _BATCH.c.rule,
            bindparam("decided_at", type_=DateTime(timezone=True)),
        ),
    )
    .on_conflict_do_nothing()
    .returning(DECISIONS.c.project_id, DECISIONS.c.event_id)
)


async def insert_decisions(
    connection: Connection, decisions: Sequence[tuple[int, str, Decision]], at: datetime
) -> set[tuple[int, str]]:
    """Store decisions by project and event; return those that are new."""
    rows: dict[str, Any] = {
        "project_id": [project_id for project_id, _, _ in decisions],
        "event_id": [event_id for _, event_id, _ in decisions],
        "verdict": [str(decision.verdict) for _, _, decision in decisions],
        "rule": [str(decision.rule) for _, _, decision in decisions],
    }
    found = await connection.execute(_INSERT, {**rows, "decided_at": at})
    return {(row.project_id, row.event_id) for row in found}


async def release_held(connection: Connection, project_id: int, event_id: str, at: datetime) -> bool:
    """Turn a held decision into a notified one; return whether it was held. A second time it is not."""
    statement = (
        update(DECISIONS)
        .where(
            and_(
                DECISIONS.c.project_id == project_id,
                DECISIONS.c.event_id == event_id,
                DECISIONS.c.verdict == str(Verdict.HELD),
            )
        )
        .values(verdict=str(Verdict.NOTIFIED), rule=str(Rule.NOT_SPAM), decided_at=at)
    )
    return (await connection.execute(statement)).rowcount == 1


async def delete_decisions(connection: Connection, before: datetime, chunk_max: int) -> int:
    """Delete up to `chunk_max` decisions older than `before`; return how many."""
    old = (
        select(DECISIONS.c.project_id, DECISIONS.c.event_id)
        .where(DECISIONS.c.decided_at < before)
        .limit(chunk_max)
    ).subquery()
    statement = delete(DECISIONS).where(
        and_(DECISIONS.c.project_id == old.c.project_id, DECISIONS.c.event_id == old.c.event_id)
    )
    return (await connection.execute(statement)).rowcount
