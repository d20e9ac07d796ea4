"""Which messages were recorded before, and the locks by which writers to a project take turns."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from hearback_kit.db import Connection, Direct
from hearback_kit.db.partitions import PartitionPlan
from hearback_kit.db.planning import IN_ORDER
from hearback_kit.db.prepared import fetch

from client_reports.domain.counting import Effects
from client_reports.domain.journal import StoredSteps, SubmissionKey, Usage
from client_reports.store.submissions import FIND_JOURNAL, read_journal

_LOCKS: Final = 64
_LOCK_CLASS: Final = 7_403_002
# Generic plans are made once per connection: with this many partitions, planning costs more than execution.
_GENERIC_PLANS: Final = "SET LOCAL plan_cache_mode = 'force_generic_plan'"
# New messages, and the stored submissions of all of them. It runs after the locks are held, and so sees what their
# earlier holders committed.
_BEGIN: Final = f"""
    WITH fresh AS (
        INSERT INTO processed (day, message_id)
        SELECT day, message_id FROM unnest($4::date[], $5::uuid[]) AS message (day, message_id)
        ON CONFLICT DO NOTHING
        RETURNING message_id
    )
    SELECT message_id, NULL::bigint, NULL::text, NULL::date, NULL::text FROM fresh
    UNION ALL
    SELECT NULL::uuid, * FROM ({FIND_JOURNAL}) AS found
"""
_TURNS: Final = f"SELECT pg_advisory_xact_lock({_LOCK_CLASS}, number) FROM unnest($1::int[]) AS number"


def turn_statements(project_ids: Iterable[int]) -> tuple[str, ...]:
    """Return the first statements of a batch: they wait for its turn to write to the projects."""
    numbers = ",".join(map(str, _lock_numbers(project_ids)))
    return _GENERIC_PLANS, IN_ORDER.text, _TURNS.replace("$1", f"'{{{numbers}}}'")


async def begin_batch(
    connection: Direct,
    plan: PartitionPlan,
    effects: Collection[Effects],
    submissions: Collection[SubmissionKey],
    now: datetime,
) -> tuple[set[UUID], dict[SubmissionKey, StoredSteps], dict[int, Usage]]:
    """Mark messages as processed; return the ids of new ones, stored submissions, and usage of the journal today.

    A message is looked up on the day it was sent, so that it is found however late it is redelivered.
    """
    oldest, newest = plan.oldest(now), now.date() + timedelta(days=plan.days_ahead)
    days = [min(max(effect.occurred_at.date(), oldest), newest) for effect in effects]
    rows = await fetch(
        connection,
        _BEGIN,
        list({key.project_id for key in submissions}),
        [key.id for key in submissions],
        now.date(),
        days,
        [effect.message_id for effect in effects],
    )
    fresh = {row[0] for row in rows if row[0] is not None}
    return fresh, *read_journal(row[1:] for row in rows if row[0] is None)


async def take_turn(connection: Connection, project_id: int) -> None:
    """Wait for the turn to write to a project; it ends with the transaction.

    Without turns, two writers of a new submission could store it in two partitions, and both could count the last
    series within the limit.
    """
    await fetch(connection, _TURNS, _lock_numbers([project_id]))


def _lock_numbers(project_ids: Iterable[int]) -> list[int]:
    """Return the locks of projects in ascending order, so that writers cannot deadlock."""
    return sorted({project_id % _LOCKS for project_id in project_ids})
