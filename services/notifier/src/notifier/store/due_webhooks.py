"""Webhooks that are due: the oldest of each destination, so that none hides those of others."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from hearback_kit.db import Connection
from hearback_kit.db.planning import IN_ORDER
from hearback_kit.db.prepared import fetch
from hearback_kit.db.rows import is_among
from sqlalchemy import ARRAY, BigInteger, any_, literal, or_, select, update

from notifier.domain.places import Due
from notifier.store.deliveries import WEBHOOK_WAITS, Delivery, as_delivery
from notifier.store.tables import DELIVERIES

DUE_MAX: Final = 1_000  # found at once
_DESTINATIONS: Final = f"SELECT destination FROM delivery WHERE {WEBHOOK_WAITS}"
_FIRST: Final = "ORDER BY destination, due_at, id LIMIT 1"
_FIND_DUE: Final = f"""
WITH RECURSIVE waiting AS (
    ({_DESTINATIONS} {_FIRST})
    UNION ALL
    SELECT further.destination FROM waiting CROSS JOIN LATERAL (
        {_DESTINATIONS} AND destination > waiting.destination {_FIRST}
    ) AS further
), called AS (
    SELECT destination FROM waiting WHERE NOT EXISTS (
        SELECT FROM destination AS paused
        WHERE paused.destination = waiting.destination AND rests_until > $1 AND NOT is_off OFFSET 0
    )
)
SELECT due.id, organization_id, project_id, due.destination, state FROM called CROSS JOIN LATERAL (
    SELECT id, organization_id, project_id, destination, state, due_at FROM delivery
    WHERE {WEBHOOK_WAITS} AND destination = called.destination AND due_at <= $1
        AND (claimed_until IS NULL OR claimed_until < $1)
    ORDER BY destination, due_at, id LIMIT $2
) AS due
WHERE organization_id <> ALL ($3::bigint[])
ORDER BY due_at, due.id LIMIT {DUE_MAX}
"""


async def find_due(
    connection: Connection, now: datetime, each_max: int, *, without: Sequence[int] = ()
) -> list[Due]:
    """Return up to `each_max` due deliveries of each webhook, oldest first, up to DUE_MAX.

    Not those of organizations in `without`, of paused webhooks, and what is claimed.
    """
    await connection.execute(IN_ORDER)
    return [Due(*row) for row in await fetch(connection, _FIND_DUE, now, each_max, list(without))]


async def claim(connection: Connection, ids: Sequence[int], now: datetime, seconds: timedelta) -> list[Delivery]:
    """Claim those of the deliveries that are not finished nor claimed; return them."""
    free = or_(DELIVERIES.c.claimed_until.is_(None), DELIVERIES.c.claimed_until < now)
    theirs = DELIVERIES.c.id == any_(literal(list(ids), ARRAY(BigInteger)))
    chosen = (
        select(DELIVERIES.c.id)
        .where(theirs, DELIVERIES.c.finished_at.is_(None), free)
        .with_for_update(skip_locked=True)
    )
    statement = (
        update(DELIVERIES)
        .where(is_among(DELIVERIES.c.id, chosen))
        .values(claimed_until=now + seconds, attempts=DELIVERIES.c.attempts + 1)
        .returning(DELIVERIES)
    )
    return [as_delivery(row) for row in await connection.execute(statement)]
