"""Storing what was decided on a batch of feedback: one statement, a transaction of its own.

Nearly always none of a batch was decided on before. Anything else is left to `decisions` and `deliveries`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import orjson
from hearback_kit.bus import Outgoing
from hearback_kit.db import AlreadyThere, Direct
from hearback_kit.outbox import Added, outbox_insert, outbox_values
from sqlalchemy.dialects import postgresql

from notifier.domain.decision import Decision
from notifier.store.deliveries import NEW_COLUMNS, NewDelivery, values_of
from notifier.store.tables import DELIVERIES, OUTBOX


@dataclass(frozen=True, slots=True)
class Bursts:
    """How many mails an address gets in a minute, and how many minutes later a digest has what exceeds them."""

    per_minute: int
    digest_minutes: int


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """What was added to the outbox, and whether a delivery is due now."""

    added: Added
    is_due: bool


def _types() -> str:
    compiler = postgresql.dialect()  # type: ignore[no-untyped-call]
    return ", ".join(f"{name} {DELIVERIES.c[name].type.compile(dialect=compiler)}" for name in NEW_COLUMNS)


_COLUMNS: Final = ", ".join(NEW_COLUMNS)
_VALUES: Final = ", ".join(
    {
        "state": "CASE WHEN is_surplus THEN 'digest' ELSE state END",
        "due_at": "CASE WHEN is_surplus THEN $9 ELSE due_at END",
    }.get(name, name)
    for name in NEW_COLUMNS
)
_ALL_NEW: Final = "NOT EXISTS (SELECT FROM known)"
_STORE: Final = f"""
WITH given AS (
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[])
        AS given (project_id, event_id, verdict, rule)
), known AS (
    SELECT FROM given JOIN decision USING (project_id, event_id)
), decided AS (
    INSERT INTO decision (project_id, event_id, verdict, rule, decided_at)
    SELECT project_id, event_id, verdict, rule, $5 FROM given WHERE {_ALL_NEW} ORDER BY project_id, event_id
), notice AS (
    SELECT *, channel = 'email' AND state = 'pending' AS may_burst,
        row_number() OVER (PARTITION BY destination ORDER BY position) AS place
    FROM ROWS FROM (jsonb_to_recordset($6::jsonb) AS ({_types()})) WITH ORDINALITY AS given ({_COLUMNS}, position)
), recent AS (
    SELECT destination, count(*) AS number FROM delivery
    WHERE destination IN (SELECT destination FROM notice WHERE may_burst)
        AND created_at > $7 AND channel = 'email' AND state IN ('pending', 'sent')
    GROUP BY destination
), sending AS (
    SELECT notice.*, may_burst AND coalesce(number, 0) + place > $8 AS is_surplus
    FROM notice LEFT JOIN recent ON recent.destination = notice.destination
    WHERE {_ALL_NEW} AND NOT EXISTS (
        SELECT FROM destination AS stopped WHERE stopped.destination = notice.destination AND stopped.is_off
    )
), delivered AS (
    INSERT INTO delivery ({_COLUMNS}) SELECT {_VALUES} FROM sending ORDER BY position
    ON CONFLICT ON CONSTRAINT delivery_once DO NOTHING
    RETURNING state
), announced AS ({outbox_insert(OUTBOX, 10, _ALL_NEW)})
SELECT ARRAY(SELECT id FROM announced) AS ids, EXISTS (SELECT FROM delivered WHERE state = 'pending') AS is_due,
    {_ALL_NEW} AS are_all_new
"""


async def store_batch(
    connection: Direct,
    decisions: Sequence[tuple[int, str, Decision]],
    deliveries: Sequence[NewDelivery],
    messages: Sequence[Outgoing],
    at: datetime,
    bursts: Bursts,
) -> StoredBatch | None:
    """Store decisions by project and event, their deliveries, and messages for the outbox.

    Mails beyond what an address gets in a minute wait for a digest; destinations that are off get nothing. Return
    None, and store nothing, when one of the feedback was decided on before.
    """
    try:
        [row] = await connection.fetch(
            _STORE,
            [project_id for project_id, _, _ in decisions],
            [event_id for _, event_id, _ in decisions],
            [str(decision.verdict) for _, _, decision in decisions],
            [str(decision.rule) for _, _, decision in decisions],
            at,
            orjson.dumps([values_of(delivery, at) for delivery in deliveries]).decode(),
            at - timedelta(minutes=1),
            bursts.per_minute,
            at + timedelta(minutes=bursts.digest_minutes),
            *outbox_values(messages),
        )
    except AlreadyThere:
        return None
    if not row["are_all_new"]:
        return None
    return StoredBatch(Added(tuple(sorted(row["ids"])), tuple(messages)), row["is_due"])
