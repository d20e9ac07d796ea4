"""What consumers, the sweep and retention read does not grow with tables that statistics call empty."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hearback_devkit.testing.statistics import Past, call_empty, copy_row, count_read
from hearback_kit.db import Connection
from hearback_kit.values.ids import random_id
from sqlalchemy import select, text
from user_reports.store import deletions, erasures, events, refusals, reports

from ..conftest import Harness

COUNT = 10_000
KEYS = [(1, f"{number:032x}") for number in range(1, 11)]
NEW = {"event_id": "lpad(to_hex(n), 32, '0')::uuid"}
Call = Callable[[Connection, datetime], Awaitable[Any]]


async def _link(connection: Connection, _: datetime) -> list[reports.Report]:
    found = list((await reports.find_reports_locked(connection, KEYS)).values())
    for report in found:
        report.group_id = 7
    await reports.store_links(connection, found)
    return found


async def _store(connection: Connection, _: datetime) -> list[reports.Report]:
    found = list((await reports.find_reports_locked(connection, KEYS)).values())
    await reports.store_reports(connection, found)
    return found


async def _scan(connection: Connection, _: datetime) -> range:
    found, last = await erasures.find_of_address(connection, "ann@example.com", 400, 100)
    assert not found
    return range(400, last or 0)


# A table, its columns that differ from row to row, and a call with the number of rows that it is about.
CALLS: dict[str, tuple[str, dict[str, str], int, Call]] = {
    "links": ("reports", NEW, 10, _link),
    "stored reports": ("reports", NEW, 10, lambda connection, _: reports.find_reports_locked(connection, KEYS)),
    "waiting reports": ("reports", NEW, 10, lambda connection, _: reports.lock_waiting(connection, KEYS)),
    "swept reports": (
        "reports", NEW, 10, lambda connection, _: reports.lock_waiting(connection, KEYS, skip_locked=True),
    ),
    "replaced reports": ("reports", NEW, 10, _store),
    "reports of an address": (
        "reports", NEW | {"email": "n % 1000 || '@example.com'"}, 10,
        lambda connection, _: reports.delete_by_email(connection, 1, "7@example.com", 100),
    ),
    "a window of all reports": (
        "reports", NEW, 100, _scan,
    ),
    "old reports": ("reports", NEW, 100, lambda connection, later: reports.delete_expired(connection, later, 100)),
    "old reports of a project": (
        "reports", NEW, 100, lambda connection, later: reports.delete_expired(connection, later, 100, 1),
    ),
    "deletions": ("deletions", NEW, 10, lambda connection, _: deletions.find_deleted(connection, KEYS)),
    "old deletions": (
        "deletions", NEW, 100, lambda connection, later: deletions.forget_deleted(connection, later, 100)
    ),
    "old refusals": (
        "refusals", {"message_id": "n::text"}, 100,
        lambda connection, later: refusals.delete_refusals(connection, later, 100),
    ),
}  # fmt: skip


@pytest.mark.parametrize("past", Past)
@pytest.mark.parametrize("name", CALLS)
async def test_a_batch_reads_its_rows_only(harness: Harness, name: str, past: Past) -> None:
    table, changed, count, call = CALLS[name]
    now = harness.clock.now()
    await harness.deliver(harness.report(random_id()))
    async with harness.database.transaction() as connection:
        [row] = await connection.execute(select(*reports.COLUMNS))
        await deletions.note_deleted(connection, [reports.report_of(row)], now)
        await refusals.add_refusals(connection, ["first"], now)
        await copy_row(connection, table, COUNT, **changed)
        await call_empty(connection, table, past=past)
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


@pytest.mark.parametrize("past", Past)
async def test_erasing_reads_each_event_once(harness: Harness, past: Past) -> None:
    """In the partitions of three weeks, one of which retention drops meanwhile."""
    await harness.retain()
    await harness.index_silently("1" * 32, user={"email": "ada@example.com"})
    weeks = {"received_at": "received_at + n % 3 * interval '7 days'"}
    async with harness.database.transaction() as connection:
        await copy_row(connection, "events", COUNT, **NEW, **weeks, user='CASE WHEN n % 100 < 3 THEN "user" END')
        await call_empty(connection, "events", past=past)
        parts = await erasures.list_parts(connection)
        dropped = max(parts, key=lambda part: (part.blocks > 0, part.name))
        left = await connection.scalar(text("SELECT count(*) FROM events"))
    assert left == COUNT + 1
    async with harness.database.transaction() as connection:
        gone = await connection.scalar(text(f"SELECT count(*) FROM {dropped.name}"))
        theirs = await connection.scalar(text(f'SELECT count("user") FROM {dropped.name}'))
        await connection.execute(text(f"DROP TABLE {dropped.name}"))
    async with harness.database.transaction() as connection:
        before, forgotten = await count_read(connection), 0
        for part in parts:
            for first in range(0, part.blocks, 10):
                window = (part.name, first, first + 10)
                forgotten += await erasures.forget_event_users(connection, "ada@example.com", *window)
        read = await count_read(connection) - before
        assert forgotten == 3 * COUNT // 100 + 1 - theirs
        assert read < 1.1 * (left - gone)


@pytest.mark.parametrize("past", Past)
async def test_a_chunk_of_a_projects_old_events_is_looked_up(harness: Harness, past: Past) -> None:
    """Three weeks of events, of which a hundred are deleted."""
    await harness.retain()
    await harness.index_silently("1" * 32)
    weeks = {"received_at": "received_at + n % 3 * interval '7 days' + n * interval '1 second'"}
    async with harness.database.transaction() as connection:
        await copy_row(connection, "events", COUNT, **NEW, **weeks)
        await call_empty(connection, "events", past=past)
    async with harness.database.transaction() as connection:
        before = await count_read(connection)
        later = harness.clock.now() + timedelta(days=99)
        assert await events.delete_events(connection, later, 100, 1) == 100
        assert await count_read(connection) - before < 1_000
