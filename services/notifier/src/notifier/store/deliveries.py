"""Deliveries: each notice goes to each destination once; due ones are claimed, tried and recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from hearback_kit.db import Connection, Direct
from hearback_kit.db.prepared import fetch
from hearback_kit.db.rows import is_among, record
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Row,
    any_,
    delete,
    func,
    literal,
    or_,
    select,
    text,
    update,
)

from notifier.domain.notice import Notice
from notifier.domain.recipients import Channel
from notifier.store.bursts import surplus
from notifier.store.tables import DEAD, DELIVERIES, DESTINATIONS, DIGEST, FAILED, FINISHED, PENDING, SENT

COUNTED_MAX: Final = 10_000
ANSWER_LENGTH_MAX: Final = 300
DISABLED_ANSWER: Final = "switched off"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A stored delivery."""

    id: int
    organization_id: int
    project_id: int
    destination: str
    channel: Channel
    target: str
    rule_id: int | None
    label: str
    language: str | None
    unsubscribe_url: str | None
    notice: Notice
    state: str
    attempts: int
    due_at: datetime
    answer: str | None
    digest_id: int | None
    created_at: datetime
    finished_at: datetime | None


def as_delivery(row: Row[Any]) -> Delivery:
    return record(Delivery, row, channel=Channel, notice=Notice.from_json)


async def is_any_due(connection: Direct, now: datetime) -> bool:
    """Return whether anything is due, including what is claimed or has a paused destination."""
    statement = "SELECT FROM delivery WHERE state IN ('pending', 'digest') AND due_at <= $1 LIMIT 1"
    return bool(await connection.fetch(statement, now))


async def claim_due(
    connection: Connection,
    state: str,
    now: datetime,
    claim: timedelta,
    count: int,
    *,
    per_minute: int | None = None,
) -> list[Delivery]:
    """Claim up to `count` due deliveries in a state until `now + claim`, oldest first.

    Not claimed are those of another process, of paused and of disabled destinations, and mails beyond `per_minute`
    to an address, which may have been added since `postpone_bursts`.
    """
    table = DELIVERIES.alias()
    due = (
        select(table.c.id)
        .outerjoin(DESTINATIONS, DESTINATIONS.c.destination == table.c.destination)
        .where(
            table.c.state == state,
            table.c.due_at <= now,
            or_(table.c.claimed_until.is_(None), table.c.claimed_until < now),
            or_(DESTINATIONS.c.rests_until.is_(None), DESTINATIONS.c.rests_until <= now),
            DESTINATIONS.c.is_off.is_not(True),
        )
        .order_by(table.c.due_at, table.c.id)
        .limit(count)
        .with_for_update(skip_locked=True, of=table)
    )
    if per_minute is not None:
        due = due.where(table.c.id.not_in(surplus(now, per_minute)))
    statement = (
        update(DELIVERIES)
        .where(is_among(DELIVERIES.c.id, due))
        .values(claimed_until=now + claim, attempts=DELIVERIES.c.attempts + 1)
        .returning(DELIVERIES)
    )
    found = await connection.execute(statement)
    return sorted((as_delivery(row) for row in found), key=lambda delivery: delivery.id)


async def refuse_disabled(connection: Connection, now: datetime, count: int) -> list[Channel]:
    """Refuse up to `count` due deliveries to disabled destinations, untried; return their channels.

    They were stored before the destination was disabled, whose reason they get.
    """
    due = (
        select(DELIVERIES.c.id, DESTINATIONS.c.reason)
        .join(DESTINATIONS, DESTINATIONS.c.destination == DELIVERIES.c.destination)
        .where(
            DESTINATIONS.c.is_off,
            text("delivery.state IN ('pending', 'digest')"),
            DELIVERIES.c.due_at <= now,
            or_(DELIVERIES.c.claimed_until.is_(None), DELIVERIES.c.claimed_until < now),
        )
        .order_by(DELIVERIES.c.due_at, DELIVERIES.c.id)
        .limit(count)
        .with_for_update(skip_locked=True, of=DELIVERIES)
        .cte("due")
    )
    answer = func.left(func.concat(DISABLED_ANSWER, ": ", due.c.reason), ANSWER_LENGTH_MAX)
    statement = (
        update(DELIVERIES)
        .where(DELIVERIES.c.id == due.c.id)
        .values(state=FAILED, answer=answer, finished_at=now, claimed_until=None)
        .returning(DELIVERIES.c.channel)
    )
    return [Channel(name) for name in (await connection.execute(statement)).scalars()]


def _among(ids: Sequence[int]) -> ColumnElement[bool]:
    """Return the condition that a delivery is one of these; any number of ids is one parameter."""
    return DELIVERIES.c.id == any_(literal(list(ids), ARRAY(BigInteger)))


async def claim_digest(
    connection: Connection, destination: str, project_id: int, now: datetime, claim: timedelta, shown_max: int
) -> tuple[list[Delivery], list[int]]:
    """Claim what waits for a destination's digest about a project; return the oldest ones, and the ids of all.

    At most `shown_max` are read, since very many may wait.
    """
    waiting = (
        DELIVERIES.c.destination == destination,
        DELIVERIES.c.project_id == project_id,
        DELIVERIES.c.state == DIGEST,
        or_(DELIVERIES.c.claimed_until.is_(None), DELIVERIES.c.claimed_until < now),
    )
    statement = (
        update(DELIVERIES)
        .where(*waiting)
        .values(claimed_until=now + claim, attempts=DELIVERIES.c.attempts + 1)
        .returning(DELIVERIES.c.id)
    )
    ids = sorted((await connection.execute(statement)).scalars())
    shown = select(DELIVERIES).where(DELIVERIES.c.id.in_(ids[:shown_max])).order_by(DELIVERIES.c.id)
    return [as_delivery(row) for row in await connection.execute(shown)], ids


async def postpone_bursts(connection: Connection, now: datetime, *, per_minute: int, minutes: int) -> int:
    """Move mails beyond `per_minute` to an address into a digest; return how many."""
    statement = (
        update(DELIVERIES)
        .where(is_among(DELIVERIES.c.id, surplus(now, per_minute)), DELIVERIES.c.claimed_until.is_(None))
        .values(state=DIGEST, due_at=now + timedelta(minutes=minutes))
    )
    return (await connection.execute(statement)).rowcount


_RECORD_SENT: Final = f"""
WITH cleared AS (
    UPDATE destination SET failures = 0, rests_until = NULL, changed_at = $3
    WHERE destination = $4 AND failures > 0
)
UPDATE delivery SET state = '{SENT}', answer = $2, finished_at = $3, claimed_until = NULL, digest_id = $5
WHERE id = ANY ($1::bigint[])
"""


async def record_sent(
    connection: Connection | Direct, ids: Sequence[int], answer: str, now: datetime, *, destination: str
) -> None:
    """Record that deliveries were sent, several as the digest of the first; reset the destination's failures.

    It is a single statement, to shorten the time between the server's answer and its record.
    """
    digest_id = ids[0] if len(ids) > 1 else None
    await fetch(connection, _RECORD_SENT, ids, answer, now, destination, digest_id)


async def record_failure(
    connection: Connection,
    ids: Sequence[int],
    answer: str,
    *,
    retry_at: datetime | None,
    is_final: bool,
    now: datetime,
) -> None:
    """Record a failed attempt: tried again at `retry_at`, given up (dead), or refused for good (`is_final`)."""
    if retry_at is not None:
        values: dict[str, Any] = {"due_at": retry_at, "claimed_until": None}
    else:
        values = {"state": FAILED if is_final else DEAD, "finished_at": now, "claimed_until": None}
    await connection.execute(update(DELIVERIES).where(_among(ids)).values(answer=answer, **values))


async def reopen(connection: Connection, project_id: int, delivery_id: int, now: datetime) -> Delivery | None:
    """Make a finished delivery due again; return it, or None unless it is finished."""
    statement = (
        update(DELIVERIES)
        .where(
            DELIVERIES.c.project_id == project_id,
            DELIVERIES.c.id == delivery_id,
            DELIVERIES.c.state.in_(FINISHED),
        )
        .values(state=PENDING, attempts=0, due_at=now, finished_at=None, digest_id=None)
        .returning(DELIVERIES)
    )
    row = (await connection.execute(statement)).one_or_none()
    return as_delivery(row) if row else None


async def count_pending(connection: Connection) -> int:
    """Return how many deliveries wait; `COUNTED_MAX` for more."""
    waiting = select(DELIVERIES.c.id).where(text("state IN ('pending', 'digest')")).limit(COUNTED_MAX)
    statement = select(func.count()).select_from(waiting.subquery())
    return int((await connection.execute(statement)).scalar_one())


async def delete_deliveries(connection: Connection, before: datetime, chunk_max: int) -> int:
    """Delete up to `chunk_max` finished deliveries older than `before`; return how many."""
    old = (
        select(DELIVERIES.c.id)
        .where(DELIVERIES.c.created_at < before, DELIVERIES.c.state.in_(FINISHED))
        .limit(chunk_max)
    )
    return (await connection.execute(delete(DELIVERIES).where(is_among(DELIVERIES.c.id, old)))).rowcount
