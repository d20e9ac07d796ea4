"""Deliveries: each notice goes to each destination once; due ones are claimed, tried and recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from hearback_kit.db import Connection, Direct
from hearback_kit.db.planning import IN_ORDER
from hearback_kit.db.prepared import fetch
from hearback_kit.db.rows import is_among, record
from hearback_kit.db.rowsets import one_by_one
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Row,
    Select,
    and_,
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
from notifier.store.tables import DEAD, DELIVERIES, DESTINATIONS, DIGEST, FAILED, FINISHED, PENDING, SENT

COUNTED_MAX: Final = 10_000
DIGEST_DELIVERIES_MAX: Final = 40_000  # which are claimed and recorded in a fraction of the time of a statement
ANSWER_LENGTH_MAX: Final = 300
DISABLED_ANSWER: Final = "switched off"
_UNTRIED: Final = {"claimed_until": None, "attempts": DELIVERIES.c.attempts - 1}


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
    claimed_until: datetime | None
    answer: str | None
    digest_id: int | None
    created_at: datetime
    finished_at: datetime | None


def as_delivery(row: Row[Any]) -> Delivery:
    return record(Delivery, row, channel=Channel, notice=Notice.from_json)


# The conditions of the indexes of what waits, in whose order statements ask: a few rows of them are found at once.
_IN_DIGEST: Final = "state = 'digest'"
_MAIL_WAITS: Final = "state IN ('pending', 'digest') AND channel = 'email'"
WEBHOOK_WAITS: Final = "state IN ('pending', 'digest') AND channel = 'webhook'"
_IS_DUE: Final = "SELECT 1 FROM delivery WHERE state = '{}' AND channel = 'email' AND due_at <= $1"
# By each state apart: only PostgreSQL 18 skips from one to the next, others read all that is not due yet.
_IS_MAIL_DUE: Final = " UNION ALL ".join(
    f"({_IS_DUE.format(state)} ORDER BY due_at LIMIT 1)" for state in (PENDING, DIGEST)
)
_DOES_WEBHOOK_WAIT: Final = f"SELECT FROM delivery WHERE {WEBHOOK_WAITS} ORDER BY destination LIMIT 1"


async def is_mail_due(connection: Direct, now: datetime) -> bool:
    """Return whether any mail is due, including what is claimed or has a paused destination."""
    return bool(await connection.fetch(_IS_MAIL_DUE, now))


async def does_webhook_wait(connection: Direct) -> bool:
    """Return whether any webhook waits, due or not: most fleets have none."""
    return bool(await connection.fetch(_DOES_WEBHOOK_WAIT))


async def claim_due(connection: Connection, now: datetime, claim: timedelta, count: int) -> list[Delivery]:
    """Claim up to `count` mails that are due alone until `now + claim`, oldest first.

    Not claimed are those of another process and of paused destinations. The caller refuses those of disabled ones
    (`refuse_disabled`), and postpones those of a burst (`bursts.postpone_surplus`).
    """
    due = _select_due(DELIVERIES.alias("due"), PENDING, now, count).with_for_update(skip_locked=True)
    statement = (
        update(DELIVERIES)
        .where(is_among(DELIVERIES.c.id, due))
        .values(claimed_until=now + claim, attempts=DELIVERIES.c.attempts + 1)
        .returning(DELIVERIES)
    )
    await connection.execute(IN_ORDER)
    found = await connection.execute(statement)
    return sorted((as_delivery(row) for row in found), key=lambda delivery: delivery.id)


async def find_digests(connection: Connection, now: datetime, count: int) -> list[tuple[str, int]]:
    """Return destination and project of up to `count` mails that are due in digests, oldest first.

    Not those that are claimed and of paused destinations.
    """
    table = DELIVERIES.alias("due")
    due = _select_due(table, DIGEST, now, count).with_only_columns(table.c.destination, table.c.project_id)
    await connection.execute(IN_ORDER)
    return [(row.destination, row.project_id) for row in await connection.execute(due)]


def _select_due(table: Any, state: str, now: datetime, count: int) -> Select[Any]:
    """Return the statement for the ids of mails in a state that are due and may be claimed."""
    paused = select(DESTINATIONS.c.destination).where(
        DESTINATIONS.c.destination == table.c.destination,
        DESTINATIONS.c.rests_until > now,
        ~DESTINATIONS.c.is_off,
    )
    return (
        select(table.c.id)
        .where(
            text(f"state = '{state}' AND channel = 'email'"),
            table.c.due_at <= now,
            or_(table.c.claimed_until.is_(None), table.c.claimed_until < now),
            ~one_by_one(paused).exists(),
        )
        .order_by(table.c.due_at, table.c.id)
        .limit(count)
    )


async def refuse_disabled(connection: Connection, ids: Sequence[int], now: datetime) -> set[int]:
    """Refuse claimed deliveries to disabled destinations, untried; return their ids.

    They were stored before the destination was disabled, whose reason they get.
    """
    answer = (
        select(func.left(func.concat(DISABLED_ANSWER, ": ", DESTINATIONS.c.reason), ANSWER_LENGTH_MAX))
        .where(DESTINATIONS.c.destination == DELIVERIES.c.destination, DESTINATIONS.c.is_off)
        .scalar_subquery()
    )
    statement = (
        update(DELIVERIES)
        .where(_among(ids), answer.is_not(None))
        .values(state=FAILED, answer=answer, finished_at=now, **_UNTRIED)
        .returning(DELIVERIES.c.id)
    )
    return set((await connection.execute(statement)).scalars())


async def release(connection: Connection, ids: Sequence[int], claimed_until: datetime | None) -> None:
    """Let deliveries whose attempt has not begun be claimed at once, unless another process has claimed them."""
    theirs = (_among(ids), DELIVERIES.c.claimed_until == claimed_until)
    await connection.execute(update(DELIVERIES).where(*theirs).values(_UNTRIED))


def _among(ids: Sequence[int]) -> ColumnElement[bool]:
    """Return the condition that a delivery is one of these; any number of ids is one parameter."""
    return DELIVERIES.c.id == any_(literal(list(ids), ARRAY(BigInteger)))


async def claim_digest(
    connection: Connection,
    destination: str,
    project_id: int,
    now: datetime,
    claim: timedelta,
    shown_max: int,
    *,
    count_max: int = DIGEST_DELIVERIES_MAX,
) -> tuple[list[Delivery], list[int]]:
    """Claim what waits for a destination's digest about a project; return the oldest ones, and the ids of all.

    At most `shown_max` are read, since very many may wait. Of more than `count_max`, the oldest are claimed.
    """
    free = or_(DELIVERIES.c.claimed_until.is_(None), DELIVERIES.c.claimed_until < now)
    theirs = and_(DELIVERIES.c.destination == destination, DELIVERIES.c.project_id == project_id)
    oldest = (  # without a channel, for which the indexes of what is due are in this order, too
        select(DELIVERIES.c.id)
        .where(text(_IN_DIGEST), theirs, free)
        .order_by(DELIVERIES.c.due_at, DELIVERIES.c.id)
        .limit(count_max)
    )
    # Another process may claim them meanwhile. With "= digest" that index could look as short as that of ids.
    still = DELIVERIES.c.state.not_in((PENDING, *FINISHED))
    statement = (
        update(DELIVERIES)
        .where(is_among(DELIVERIES.c.id, oldest), still, free)
        .values(claimed_until=now + claim, attempts=DELIVERIES.c.attempts + 1)
        .returning(DELIVERIES.c.id)
    )
    await connection.execute(IN_ORDER)
    ids = sorted((await connection.execute(statement)).scalars())
    shown = select(DELIVERIES).where(DELIVERIES.c.id.in_(ids[:shown_max])).order_by(DELIVERIES.c.id)
    return [as_delivery(row) for row in await connection.execute(shown)], ids


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
    count = 0
    for waits in (_MAIL_WAITS, WEBHOOK_WAITS):
        waiting = select(DELIVERIES.c.id).where(text(waits)).limit(COUNTED_MAX - count)
        count += await connection.scalar(select(func.count()).select_from(waiting.subquery())) or 0
    return count


async def delete_deliveries(connection: Connection, before: datetime, chunk_max: int) -> int:
    """Delete up to `chunk_max` finished deliveries older than `before`; return how many."""
    old = (
        select(DELIVERIES.c.id)
        .where(DELIVERIES.c.created_at < before, DELIVERIES.c.state.in_(FINISHED))
        .limit(chunk_max)
    )
    return (await connection.execute(delete(DELIVERIES).where(is_among(DELIVERIES.c.id, old)))).rowcount
