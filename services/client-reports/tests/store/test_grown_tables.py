"""What is read of single submissions does not grow with tables that PostgreSQL's statistics call empty."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from client_reports.domain.journal import SubmissionKey
from client_reports.store import erasures, refused, submissions, writes
from hearback_devkit.testing.statistics import Past, call_empty, copy_row, count_read
from hearback_kit.db import Connection
from hearback_kit.db.planning import IN_ORDER
from hearback_kit.db.prepared import fetch
from sqlalchemy import text

from ..conftest import NOW

COUNT = 10_000
KEYS = [SubmissionKey(1, f"{number:032x}") for number in range(1, 11)]
SUBMISSION = """
INSERT INTO submission VALUES (1, 'first', '2026-11-24', 1, '2026-11-24T12:00Z', 'user_report', 'invalid', 'empty',
    NULL, '[]')
"""
REFUSED = "INSERT INTO refused_submission VALUES (1, 'first', '2026-11-24', '', '2026-11-24T12:00Z', NULL, '{}')"
NEW = {"id": "lpad(to_hex(n), 32, '0')", "received_at": "received_at + n * interval '1 microsecond'"}
Call = Callable[[Connection], Awaitable[Any]]


DELETED = "SELECT CAST(sum(n_tup_del) AS int) FROM pg_stat_xact_user_tables"


async def _find_journal(connection: Connection) -> Mapping[Any, Any]:
    ids = [key.id for key in KEYS]
    await connection.execute(IN_ORDER)
    rows = await fetch(connection, submissions.FIND_JOURNAL, [1], ids, NOW.date())
    return submissions.read_journal(rows)[0]


async def _find_digests(connection: Connection) -> Any:
    driver: Any = (await connection.get_raw_connection()).driver_connection
    return await refused.find_digests(driver, KEYS)


async def _erase_accepted(connection: Connection) -> int:
    await writes.execute_writes(connection, refused.refused_writes([], KEYS))
    return await connection.scalar(text(DELETED)) or 0


async def _erase_of_projects(connection: Connection) -> int:
    others = [SubmissionKey(number, key.id) for number in range(2, 52) for key in KEYS]
    return await erasures.erase_refused(connection, [*others, *KEYS])


CALLS: dict[str, tuple[str, int, Call]] = {
    "journal": ("submission", 10, _find_journal),
    "a submission": (
        "submission", 1, lambda connection: submissions.list_with_id(connection, [1, 2], KEYS[0].id),
    ),
    "attempts": ("refused_submission", 10, _find_digests),
    "erased attempts": (
        "refused_submission", 10, lambda connection: erasures.erase_refused(connection, KEYS),
    ),
    "attempts erased when accepted": ("refused_submission", 10, _erase_accepted),
    "attempts of many projects": ("refused_submission", 10, _erase_of_projects),
    "attempts of a window": (
        "refused_submission", 10,
        lambda connection: erasures.find_containing(connection, NOW.date(), "", KEYS[0], 10),
    ),
    "an attempt": ("refused_submission", 5, lambda connection: refused.find_refusal(connection, KEYS[0])),
}  # fmt: skip


@pytest.mark.parametrize("past", Past)
async def test_the_journal_is_looked_up_by_id(fresh_store: Any, past: Past) -> None:
    """What an index holds of other submissions is not counted as read."""
    async with fresh_store.database.transaction() as connection:
        await connection.exec_driver_sql(SUBMISSION)
        await copy_row(connection, "submission", COUNT, **NEW)
        await call_empty(connection, "submission", past=past)
    async with fresh_store.database.direct() as driver:
        await driver.execute(f"PREPARE finding AS {submissions.FIND_JOURNAL}")
        await driver.execute("SET plan_cache_mode = force_generic_plan")
        await driver.execute(f"BEGIN; {IN_ORDER.text}")
        rows = await driver.fetch("EXPLAIN EXECUTE finding('{}', '{}', '2026-11-24')")
        await driver.execute("ROLLBACK")
    plan = "\n".join(row[0] for row in rows)
    read = set(re.findall(r"(?:using|Index Scan on) (submission\w+)", plan))
    assert "submission_20261123_pkey" in read
    assert all(index.endswith("_pkey") for index in read), plan
    assert "Seq Scan on submission_" not in plan, plan


@pytest.mark.parametrize("generic", [False, True])
@pytest.mark.parametrize("past", Past)
@pytest.mark.parametrize("name", CALLS)
async def test_submissions_are_looked_up_one_by_one(
    fresh_store: Any, name: str, past: Past, *, generic: bool
) -> None:
    table, count, call = CALLS[name]
    async with fresh_store.database.transaction() as connection:
        await connection.exec_driver_sql(SUBMISSION)
        await connection.exec_driver_sql(REFUSED)
        await copy_row(connection, table, COUNT, **NEW)
        await call_empty(connection, table, past=past)
    async with fresh_store.database.transaction() as connection:
        if generic:
            await connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_generic_plan")
        before = await count_read(connection)
        found = await call(connection)
        assert (found if isinstance(found, int) else len(found)) == count
        assert await count_read(connection) - before < 100
