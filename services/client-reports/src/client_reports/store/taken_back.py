"""Revert the count of a refused submission that is accepted."""

from functools import lru_cache
from typing import Any, Final

from hearback_kit.db import Connection

from client_reports.domain.buckets import DAYS, HOURS, MINUTES, Layout
from client_reports.domain.counting import CountKey
from client_reports.store.writes import execute

_TABLES: Final = (
    ("counter_minutes", MINUTES, True),
    ("counter_hours", HOURS, True),
    ("counter_hour_totals", HOURS, False),
    ("counter_days", DAYS, True),
)


async def take_back(connection: Connection, key: CountKey) -> bool:
    """Subtract one from every counter that has the count; return whether any had.

    Counters that expired or folded the reason into `other` stay: none becomes negative.
    """
    changed = 0
    identity = (key.project_id, key.category, key.outcome, key.reason)
    for table, layout, detailed in _TABLES:
        details: tuple[Any, ...] = (key.key_id, key.sdk) if detailed else ()
        statement = _statement(table, layout, layout.cell(key.minute), detailed)
        changed += await execute(connection, statement, layout.row(key.minute), *identity, *details)
    return changed > 0


@lru_cache(maxsize=256)
def _statement(table: str, layout: Layout, cell: int, detailed: bool) -> str:
    times, quantity = layout.columns("times")[cell], layout.columns("quantity")[cell]
    details = " AND key_id IS NOT DISTINCT FROM $6::bigint AND sdk IS NOT DISTINCT FROM $7::text"
    return (
        f"UPDATE {table} SET {times} = {times} - 1, {quantity} = {quantity} - 1"
        " WHERE bucket = $1 AND project_id = $2 AND category = $3 AND outcome = $4"
        " AND reason IS NOT DISTINCT FROM $5::text"
        f"{details if detailed else ''} AND {times} > 0 AND {quantity} > 0"
    )
