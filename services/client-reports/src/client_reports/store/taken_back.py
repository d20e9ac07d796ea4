"""Revert the count of a refused submission that is accepted."""

from functools import lru_cache
from typing import Any

from hearback_kit.db import Connection
from sqlalchemy import Table

from client_reports.domain.counting import CountKey
from client_reports.store.tables import COUNTERS
from client_reports.store.writes import execute


async def take_back(connection: Connection, key: CountKey) -> None:
    """Subtract one from every counter that has the count.

    Counters that expired or folded the reason into `other` stay: none becomes negative.
    """
    identity = (key.project_id, key.category, key.outcome, key.reason)
    for table, layout in COUNTERS.items():
        details: tuple[Any, ...] = (key.key_id, key.sdk) if "sdk" in table.c else ()
        statement = _statement(table, layout.cell(key.minute))
        await execute(connection, statement, layout.row(key.minute), *identity, *details)


@lru_cache(maxsize=256)
def _statement(table: Table, cell: int) -> str:
    layout = COUNTERS[table]
    times, quantity = layout.columns("times")[cell], layout.columns("quantity")[cell]
    details = " AND key_id IS NOT DISTINCT FROM $6::bigint AND sdk IS NOT DISTINCT FROM $7::text"
    return (
        f"UPDATE {table.name} SET {times} = {times} - 1, {quantity} = {quantity} - 1"
        " WHERE bucket = $1 AND project_id = $2 AND category = $3 AND outcome = $4"
        " AND reason IS NOT DISTINCT FROM $5::text"
        f"{details if 'sdk' in table.c else ''} AND {times} > 0 AND {quantity} > 0"
    )
