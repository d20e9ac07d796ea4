"""Bursts: more mails to one address than it gets in a minute."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from hearback_kit.db import Connection
from hearback_kit.db.prepared import fetch

from notifier.store.tables import DIGEST

# Claimed ones are found by their ids alone: with their state, all that is pending may look as short.
# The minute ends when a mail is due, not now: late mails are no burst, and those of a burst stay one.
_POSTPONE: Final = f"""
WITH mine AS MATERIALIZED (
    SELECT destination, channel, state, due_at, created_at FROM delivery WHERE id = ANY ($1::bigint[])
), claimed AS (
    SELECT destination, min(due_at) - interval '1 minute' AS since, max(created_at) AS until
    FROM mine WHERE state = 'pending' AND channel = 'email' GROUP BY destination
)
UPDATE delivery SET state = '{DIGEST}', due_at = $3, claimed_until = NULL, attempts = attempts - 1
WHERE id = ANY (ARRAY(
    SELECT recent.id FROM claimed CROSS JOIN LATERAL (
        SELECT id, due_at, lag(created_at, $2::integer) OVER (ORDER BY created_at, id) AS earlier FROM delivery
        WHERE destination = claimed.destination AND created_at > since AND created_at <= until
            AND state IN ('pending', 'sent')
    ) AS recent
    WHERE recent.id = ANY ($1) AND recent.earlier > recent.due_at - interval '1 minute'
))
RETURNING id
"""


async def postpone_surplus(
    connection: Connection, ids: Sequence[int], per_minute: int, due_at: datetime
) -> set[int]:
    """Move claimed mails beyond `per_minute` to an address into a digest that is due then; return their ids.

    Sent ones count, and those that another process has claimed.
    """
    return {row[0] for row in await fetch(connection, _POSTPONE, ids, per_minute, due_at)}
