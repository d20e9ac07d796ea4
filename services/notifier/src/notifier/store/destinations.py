"""Destinations: disabled after a permanent error, or paused after consecutive failures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from hearback_kit.db import Connection
from hearback_kit.db.rows import columns, list_records
from sqlalchemy import case, func, or_, select
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


async def list_stopped(connection: Connection, project_id: int, now: datetime) -> list[StoppedDestination]:
    """Return the disabled and paused destinations of a project's deliveries, latest first."""
    target = (
        select(DELIVERIES.c.target)
        .where(DELIVERIES.c.project_id == project_id, DELIVERIES.c.destination == DESTINATIONS.c.destination)
        .order_by(DELIVERIES.c.created_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    shown = columns(StoppedDestination, DESTINATIONS, key=DESTINATIONS.c.destination, target=target)
    statement = (
        select(*shown)
        .where(or_(DESTINATIONS.c.is_off, DESTINATIONS.c.rests_until > now), target.is_not(None))
        .order_by(DESTINATIONS.c.changed_at.desc())
        .limit(STOPPED_MAX)
    )
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
