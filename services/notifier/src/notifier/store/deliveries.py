"""Deliveries: each notice goes to each destination once; due ones are claimed, tried and recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from hearback_kit.db import Connection, Direct
from hearback_kit.db.rows import record
from hearback_kit.db.rowsets import rowset
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
from sqlalchemy.dialects.postgresql import insert

from notifier.domain.notice import Kind, Notice
from notifier.domain.recipients import Channel, Destination
from notifier.store.bursts import surplus
from notifier.store.tables import DELIVERIES, DESTINATIONS

COUNTED_MAX: Final = 10_000
PENDING, DIGEST, SENT, FAILED, DEAD = "pending", "digest", "sent", "failed", "dead"
NEW_COLUMNS: Final = (
    "organization_id", "project_id", "kind", "subject_id", "destination", "channel", "target", "rule_id", "label",
    "language", "unsubscribe_url", "notice", "state", "due_at", "created_at",
)  # fmt: skip
OF_DESTINATION: Final = tuple(
    name for name in NEW_COLUMNS if name not in {"subject_id", "notice", "created_at"}
)  # what is the same for all notices to a destination
_BATCH: Final = rowset(DELIVERIES, NEW_COLUMNS)
_INSERT: Final = (
    insert(DELIVERIES)
    .from_select(NEW_COLUMNS, select(*[_BATCH.c[name] for name in NEW_COLUMNS]))
    .on_conflict_do_nothing(constraint="delivery_once")
)


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


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A notice for a destination."""

    organization_id: int
    project_id: int
    notice: Notice
    destination: Destination


async def insert_deliveries(connection: Connection, new: Sequence[NewDelivery], at: datetime) -> None:
    """Store deliveries; those that are stored already stay as they are."""
    if new:
        await connection.execute(_INSERT, {"rows": [_values_of(delivery, at) for delivery in new]})


def _values_of(new: NewDelivery, at: datetime) -> dict[str, Any]:
    """Return the columns of a new delivery, as JSON has them."""
    notice = new.notice
    values = destination_values(new.organization_id, new.project_id, notice.kind, new.destination, at)
    return values | {
        "subject_id": notice.subject_id,
        "notice": orjson.Fragment(notice.as_json()),
        "created_at": at.isoformat(),
    }


def destination_values(
    organization_id: int, project_id: int, kind: Kind, destination: Destination, at: datetime
) -> dict[str, Any]:
    """Return the columns of `OF_DESTINATION` for a delivery that is stored at a time, as JSON has them."""
    minutes = destination.digest_minutes
    return {
        "organization_id": organization_id,
        "project_id": project_id,
        "kind": kind.value,
        "destination": destination.key,
        "channel": destination.channel.value,
        "target": destination.target,
        "rule_id": destination.rule_id,
        "label": destination.label,
        "language": destination.language,
        "unsubscribe_url": destination.unsubscribe_url,
        "state": DIGEST if minutes else PENDING,
        "due_at": (at + timedelta(minutes=minutes)).isoformat(),
    }


async def is_any_due(connection: Direct, now: datetime) -> bool:
    """Return whether anything waits that is due, also what is claimed or whose destination rests."""
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

    Left alone are those that another process claimed, destinations that are off or rest, and mails beyond
    `per_minute` to an address, which may have been added since `postpone_bursts` looked.
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
        )
        .order_by(table.c.due_at, table.c.id)
        .limit(count)
        .with_for_update(skip_locked=True, of=table)
    )
    if per_minute is not None:
        due = due.where(table.c.id.not_in(surplus(now, per_minute, PENDING, SENT)))
    statement = (
        update(DELIVERIES)
        .where(DELIVERIES.c.id.in_(due))
        .values(claimed_until=now + claim, attempts=DELIVERIES.c.attempts + 1)
        .returning(DELIVERIES)
    )
    found = await connection.execute(statement)
    return sorted((as_delivery(row) for row in found), key=lambda delivery: delivery.id)


def _among(ids: Sequence[int]) -> ColumnElement[bool]:
    """Return the condition that a delivery is one of these, which are one parameter however many there are."""
    return DELIVERIES.c.id == any_(literal(list(ids), ARRAY(BigInteger)))


async def claim_digest(
    connection: Connection, destination: str, project_id: int, now: datetime, claim: timedelta, shown_max: int
) -> tuple[list[Delivery], list[int]]:
    """Claim what waits for a destination's digest about a project; return the oldest ones, and the ids of all.

    What is not shown is not read: very much may wait.
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
    """Let what exceeds `per_minute` mails to an address wait for a digest; return how many do."""
    statement = (
        update(DELIVERIES)
        .where(DELIVERIES.c.id.in_(surplus(now, per_minute, PENDING, SENT)), DELIVERIES.c.claimed_until.is_(None))
        .values(state=DIGEST, due_at=now + timedelta(minutes=minutes))
    )
    return (await connection.execute(statement)).rowcount


async def record_sent(
    connection: Connection,
    ids: Sequence[int],
    answer: str,
    now: datetime,
    *,
    destination: str,
    digest_id: int | None = None,
) -> None:
    """Record that deliveries were handed over, `digest_id` is the one whose mail carried them all.

    The destination's failures are forgotten. It is one statement, so that little time lies between the server's
    answer and its record.
    """
    cleared = (
        update(DESTINATIONS)
        .where(DESTINATIONS.c.destination == destination, DESTINATIONS.c.failures > 0)
        .values(failures=0, rests_until=None, changed_at=now)
        .cte("cleared")
    )
    statement = (
        update(DELIVERIES)
        .where(_among(ids))
        .values(state=SENT, answer=answer, finished_at=now, claimed_until=None, digest_id=digest_id)
        .add_cte(cleared)
    )
    await connection.execute(statement)


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
            DELIVERIES.c.state.in_((SENT, FAILED, DEAD)),
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
        .where(DELIVERIES.c.created_at < before, DELIVERIES.c.state.in_((SENT, FAILED, DEAD)))
        .limit(chunk_max)
    )
    return (await connection.execute(delete(DELIVERIES).where(DELIVERIES.c.id.in_(old)))).rowcount
