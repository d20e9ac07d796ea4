"""Every hot statement uses its index, and none walks a table that grows."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import orjson
import pytest
import pytest_asyncio
from hearback_devkit.testing import ManualClock
from hearback_devkit.testing.databases import Databases
from hearback_kit.db import Database
from hearback_kit.values.ids import random_id
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from user_reports.store import events, groups, report_lists, reports
from user_reports.store.keys import key_parameters
from user_reports.store.partitions import events_plan, open_partitions
from user_reports.store.tables import REPORTS

NEWEST = (REPORTS.c.date_added.desc(), REPORTS.c.id.desc())


NOW = ManualClock().now()
FILL = (
    "INSERT INTO groups (organization_id, project_id, hash, title, culprit, level, metadata, first_seen,"
    " last_seen, times_seen, latest_event_id, latest_received_at) SELECT 1, n % 20, gen_random_uuid(), '', '',"
    " 'error', '{}', now(), now(), 1, gen_random_uuid(), now() FROM generate_series(1, 5000) n",
    "INSERT INTO events (project_id, event_id, received_at, organization_id, message_id, timestamp, group_id,"
    " title, culprit, tags) SELECT n % 20, gen_random_uuid(), at, 1, gen_random_uuid(), at, 1, '', '', '{}'"
    " FROM made",
    "INSERT INTO reports (organization_id, project_id, event_id, name, email, comments, source, date_added,"
    " submitted_at, message_id, revision, marks, group_id) SELECT n % 5, n % 20, gen_random_uuid(), '',"
    " n || '@example.com', repeat('It broke. ', 40), 'x', at, at, n::text, 0, '{}',"
    " CASE WHEN n % 40 > 0 THEN n % 5000 END FROM made",
)


@pytest_asyncio.fixture(scope="module")
async def filled(databases: Databases) -> AsyncIterator[asyncpg.Connection]:
    """A database with enough rows that the planner has to choose; tests only read it."""
    url = await databases.take("user_reports.store.migrations")
    database = Database(url)
    await open_partitions(database, events_plan(retention_days=30, weeks_ahead=1)).ensure(NOW)
    await database.close()
    connection = await asyncpg.connect(url)
    await connection.execute(
        "CREATE TEMP TABLE made AS SELECT n, $1::timestamptz - n * interval '40 seconds' AS at"
        " FROM generate_series(1, 20000) n",
        NOW + timedelta(days=5),
    )
    for statement in (*FILL, "VACUUM ANALYZE"):
        await connection.execute(statement)
    yield connection
    await connection.close()
    databases.give_back(url)


async def plan(connection: asyncpg.Connection, statement: Any, **parameters: Any) -> str:
    compiled = statement.compile(
        dialect=dialect(json_serializer=lambda value: orjson.dumps(value).decode()),
        compile_kwargs={"render_postcompile": True},
    )
    given = {**compiled.params, "rows": "[]", **parameters}
    values = [given[name] for name in compiled.positiontup]
    return "\n".join(line[0] for line in await connection.fetch(f"EXPLAIN {compiled}", *values))


def wanted(count: int = 5) -> dict[str, Any]:
    return key_parameters([(number % 20, random_id()) for number in range(count)])


def page(**fields: Any) -> Any:
    return report_lists.statement_of(report_lists.ReportFilter(**fields)).order_by(*NEWEST).limit(101)


async def test_events_are_found_by_their_key(filled: asyncpg.Connection) -> None:
    found = await plan(filled, events.LOOKUP.statement, **wanted())
    assert "Index Scan using events_2026_11_23_pkey" in found
    assert "Seq Scan on events_2026_11_23" not in found


async def test_the_sweep_leaves_weeks_out_that_cannot_hold_its_events(filled: asyncpg.Connection) -> None:
    window = {"earliest": NOW - timedelta(days=1), "latest": NOW}
    found = await plan(filled, events.LOOKUP_BOUNDED.statement, **wanted(2_000), **window)
    assert "events_2026_11_23_pkey" in found
    assert "events_2026_11_16" not in found
    assert "events_default" not in found


async def test_the_sweep_reads_waiting_reports_only(filled: asyncpg.Connection) -> None:
    bounds = {"after_date": NOW - timedelta(days=30), "after_id": 0, "until": NOW, "chunk": 2_000}
    found = await plan(filled, reports.WAITING_CHUNK, **bounds)
    assert "reports_waiting" in found
    assert "Seq Scan" not in found


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (reports.FIND_LOCKED.statement, "reports_event_id_project_id_key"),
        (reports.LOCK_WAITING.statement, "reports_awaiting"),
    ],
)
async def test_reports_are_found_by_their_key(filled: asyncpg.Connection, statement: Any, index: str) -> None:
    found = await plan(filled, statement, **wanted())
    assert index in found
    assert "Seq Scan" not in found


async def test_writes_find_their_rows_by_index(filled: asyncpg.Connection) -> None:
    assert "Conflict Arbiter Indexes: groups_project_id_hash_key" in await plan(filled, groups.UPSERT.statement)
    assert "Conflict Arbiter Indexes: reports_event_id_project_id_key" in await plan(
        filled, reports.UPSERT.statement
    )
    assert "reports_pkey" in await plan(filled, reports.SET_LINKS.statement)


@pytest.mark.parametrize(
    ("fields", "index"),
    [
        ({"project_ids": [3], "linked": True}, "reports_of_project"),
        ({"project_ids": [3], "linked": True, "status": "unresolved"}, "reports_of_project"),
        ({"organization_id": 3, "project_ids": [3, 8, 13]}, "reports_of_organization"),
        ({"group_id": 77}, "reports_of_group"),
    ],
)
async def test_pages_are_read_in_order_of_an_index(
    filled: asyncpg.Connection, fields: dict[str, Any], index: str
) -> None:
    found = await plan(filled, page(**fields))
    assert f"using {index} on reports" in found or f"on {index}" in found
    assert "Seq Scan on reports" not in found


async def test_retention_and_privacy_find_their_rows_by_index(filled: asyncpg.Connection) -> None:
    contact = reports.select_by_email(3, "7@example.com", 500)
    assert "reports_of_contact" in await plan(filled, contact)
    old = reports.select_expired(NOW - timedelta(days=200), 5_000)
    assert "Seq Scan" not in await plan(filled, old)
