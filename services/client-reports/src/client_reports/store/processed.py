"""Which messages were handled, and whose turn it is to write to a project."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from hearback_kit.db import Connection
from hearback_kit.db.partitions import PartitionPlan

from client_reports.domain.counting import Effects
from client_reports.store.writes import fetch

_LOCKS: Final = 64
_LOCK_CLASS: Final = 7_403_002
# All in one round trip. What is read after it sees all that earlier holders of the locks committed. Plans for the
# statements that follow are made once: with as many partitions as there are, a plan costs more than its execution.
_BEGIN: Final = f"""
    WITH turns AS MATERIALIZED (
        SELECT pg_advisory_xact_lock({_LOCK_CLASS}, number) AS taken FROM unnest($1::int[]) AS number
    )
    INSERT INTO processed (day, message_id)
    SELECT day, message_id
    FROM
        (SELECT count(taken), set_config('plan_cache_mode', 'force_generic_plan', true) FROM turns) AS waited,
        unnest($2::date[], $3::uuid[]) AS message (day, message_id)
    ON CONFLICT DO NOTHING
    RETURNING message_id
"""
_TURNS: Final = f"SELECT pg_advisory_xact_lock({_LOCK_CLASS}, number) FROM unnest($1::int[]) AS number"


async def begin_batch(
    connection: Connection,
    plan: PartitionPlan,
    effects: Collection[Effects],
    project_ids: Iterable[int],
    now: datetime,
) -> set[UUID]:
    """Wait for the turn to write to the projects, and mark messages as processed; return those that were not.

    A message is looked for on the day it was sent, so that it is found however late it comes again.
    """
    oldest, newest = plan.oldest(now), now.date() + timedelta(days=plan.days_ahead)
    days = [min(max(effect.occurred_at.date(), oldest), newest) for effect in effects]
    ids = [effect.message_id for effect in effects]
    return {row[0] for row in await fetch(connection, _BEGIN, _lock_numbers(project_ids), days, ids)}


async def take_turn(connection: Connection, project_id: int) -> None:
    """Wait for the turn to write to a project; it ends with the transaction.

    Writers to one project take turns: two that saw a submission first at the same time would otherwise write it
    into two partitions, and both would count the last series that fits.
    """
    await fetch(connection, _TURNS, _lock_numbers([project_id]))


def _lock_numbers(project_ids: Iterable[int]) -> list[int]:
    """In ascending order, so that no two writers wait for each other."""
    return sorted({project_id % _LOCKS for project_id in project_ids})
