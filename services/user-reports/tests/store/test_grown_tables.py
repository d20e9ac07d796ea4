"""What consumers, the sweep and retention read does not grow with tables that statistics call empty."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hearback_devkit.testing.statistics import call_empty, copy_row, count_read
from hearback_kit.db import Connection
from hearback_kit.values.ids import random_id
from sqlalchemy import select, text
from user_reports.store import deletions, refusals, reports

from ..conftest import Harness

COUNT = 10_000
KEYS = [(1, f"{number:032x}") for number in range(1, 11)]
NEW = {"event_id": "lpad(to_hex(n), 32, '0')::uuid"}
Call = Callable[[Connection, datetime], Awaitable[Any]]


async def _link(connection: Connection, _: datetime) -> list[reports.Report]:
    rows = await connection.execute(select(*reports.COLUMNS).order_by(reports.REPORTS.c.id).limit(10))
    found = [reports.report_of(row) for row in rows]
    for report in found:
        report.group_id = 7
    await reports.store_links(connection, found)
    return found


# A table, its columns that differ from row to row, and a call with the number of rows that it is about.
CALLS: dict[str, tuple[str, dict[str, str], int, Call]] = {
    "links": ("reports", NEW, 10, _link),
    "deletions": ("deletions", NEW, 10, lambda connection, _: deletions.find_deleted(connection, KEYS)),
    "old deletions": (
        "deletions", NEW, 100, lambda connection, later: deletions.forget_deleted(connection, later, 100)
    ),
    "old refusals": (
        "refusals", {"message_id": "n::text"}, 100,
        lambda connection, later: refusals.delete_refusals(connection, later, 100),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
async def test_a_batch_reads_its_rows_only(harness: Harness, name: str) -> None:
    table, changed, count, call = CALLS[name]
    now = harness.clock.now()
    await harness.deliver(harness.report(random_id()))
    async with harness.database.transaction() as connection:
        [row] = await connection.execute(select(*reports.COLUMNS))
        await deletions.note_deleted(connection, [reports.report_of(row)], now)
        await refusals.add_refusals(connection, ["first"], now)
        await call_empty(connection, table)
        await copy_row(connection, table, COUNT, **changed)
    async with harness.database.transaction() as connection:
        before = await count_read(connection)
        found = await call(connection, now + timedelta(days=1))
        assert (found if isinstance(found, int) else len(found)) == count
        assert await count_read(connection) - before < 10 * count + 500


async def test_reports_that_begin_to_wait_are_found_by_their_event(harness: Harness) -> None:
    """None did when statistics were gathered: the index of those that wait looks tiny."""
    await harness.deliver(harness.report(random_id()))
    async with harness.database.transaction() as connection:
        await connection.execute(text("UPDATE reports SET group_id = 1"))
        await copy_row(connection, "reports", COUNT, email="n || '@example.com'", **NEW)
        await connection.execute(text("ANALYZE reports"))
        await connection.execute(text("UPDATE reports SET group_id = NULL"))
    async with harness.database.transaction() as connection:
        before = await count_read(connection)
        assert len(await reports.lock_waiting(connection, KEYS)) == len(KEYS)
        assert await count_read(connection) - before < 500
