"""Destinations: disabled after a permanent error, or paused after consecutive failures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from hearback_kit.db import Connection
from hearback_kit.db.rows import columns, list_records
from sqlalchemy import case, func, or_, select, true, tuple_
from sqlalchemy.dialects.postgresql import insert

from notifier.store.tables import DELIVERIES, DESTINATIONS

STOPPED_MAX: Final = 200  # shown of one project


async def find_reasons(connection: Connection, keys: Sequence[str]) -> dict[str, str]:
    """Return the reasons of disabled destinations by key."""
    statement = select(DESTINATIONS.c.destination, DESTINATIONS.c.reason).where(
        DESTINATIONS.c.destination.in_(keys), DESTINATIONS.c.is_off
    )
    return {row.destination: row.reason or "" for row in await connection.execute(statement)}


@dataclass(frozen=True, slots=True)
class StoppedDestination:
    """A disabled destination, or one paused until a time; `reason` is the server's last response."""

    key: str
    target: str
    is_off: bool
    reason: str | None
    rests_until: datetime | None
    changed_at: datetime


async def list_stopped(
    connection: Connection, project_id: int, now: datetime, *, key: str | None = None
) -> list[StoppedDestination]:
    """Return disabled and paused destinations of a project's deliveries, latest first; with `key`, that one."""
    # A pair, which only one index has: others look as good at times, and hold all that the project has sent.
    pair = tuple_(DELIVERIES.c.destination, DELIVERIES.c.project_id)
    wanted = tuple_(DESTINATIONS.c.destination, project_id)
    latest = (
        select(DELIVERIES.c.target)
        .where(pair >= wanted, pair <= wanted)
        .order_by(DELIVERIES.c.destination.desc(), DELIVERIES.c.project_id.desc(), DELIVERIES.c.created_at.desc())
        .limit(1)
        .lateral("latest")
    )
    shown = columns(StoppedDestination, DESTINATIONS, key=DESTINATIONS.c.destination, target=latest.c.target)
    statement = (
        select(*shown)
        .select_from(DESTINATIONS.join(latest, true()))
        .where(or_(DESTINATIONS.c.is_off, DESTINATIONS.c.rests_until > now))
        .order_by(DESTINATIONS.c.changed_at.desc())
        .limit(STOPPED_MAX)
    )
    if key is not None:
        statement = statement.where(DESTINATIONS.c.destination == key)
    return await list_records(connection, StoppedDestination, statement)


async def count_failure(
    connection: Connection, key: str, now: datetime, *, failures_max: int, rest: timedelta
) -> None:
    """Count a consecutive failure; from `failures_max` on the destination is paused."""
    failures = DESTINATIONS.c.failures + 1
    rests_until = case((failures >= failures_max, now + rest), else_=None)
    first = {"failures": 1, "rests_until": now + rest if failures_max <= 1 else None}
    statement = insert(DESTINATIONS).values(destination=key, changed_at=now, **first)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["destination"],
            set_={"failures": failures, "rests_until": rests_until, "changed_at": now},
        )
    )


async def switch_off(connection: Connection, key: str, reason: str, now: datetime) -> None:
    """Disable a destination."""
    await _write(connection, key, now, is_off=True, reason=reason)


async def switch_on(connection: Connection, key: str, now: datetime) -> None:
    """Enable a destination."""
    await _write(connection, key, now, is_off=False, reason=None, failures=0, rests_until=None)


async def count_off(connection: Connection) -> int:
    """Return the number of disabled destinations."""
    statement = select(func.count()).select_from(DESTINATIONS).where(DESTINATIONS.c.is_off)
    return int((await connection.execute(statement)).scalar_one())


async def _write(connection: Connection, key: str, now: datetime, **values: Any) -> None:
    statement = insert(DESTINATIONS).values(destination=key, changed_at=now, **values)
    await connection.execute(
        statement.on_conflict_do_update(index_elements=["destination"], set_={**values, "changed_at": now})
    )
