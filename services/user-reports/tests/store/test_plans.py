"""Every hot statement uses its index, and none walks a table that grows."""

from datetime import timedelta
from typing import Any

import asyncpg
import orjson
import pytest
from hearback_kit.values.ids import random_id
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from user_reports.store import events, groups, report_lists, reports
from user_reports.store.keys import key_parameters
from user_reports.store.tables import REPORTS

NEWEST = (REPORTS.c.date_added.desc(), REPORTS.c.id.desc())


@pytest.fixture
async def filled(harness: Any) -> Any:
    """A harness with enough rows that the planner has to choose."""
    await harness.execute(
        "INSERT INTO groups (organization_id, project_id, hash, title, culprit, level, metadata, first_seen,"
        " last_seen, times_seen, latest_event_id, latest_received_at) SELECT 1, n % 20, gen_random_uuid(), '', '',"
        " 'error', '{}', now(), now(), 1, gen_random_uuid(), now() FROM generate_series(1, 5000) n"
    )
    await harness.execute(
        "INSERT INTO events (project_id, event_id, received_at, organization_id, message_id, timestamp, group_id,"
        " title, culprit, tags) SELECT n % 20, gen_random_uuid(), at, 1, gen_random_uuid(), at, 1, '', '', '{}'"
        " FROM (SELECT n, now() - n * interval '40 seconds' AS at FROM generate_series(1, 20000) n) made"
    )
    await harness.execute(
        "INSERT INTO reports (organization_id, project_id, event_id, name, email, comments, source, date_added,"
        " submitted_at, message_id, revision, marks, group_id) SELECT n % 5, n % 20, gen_random_uuid(), '',"
        " n || '@example.com', repeat('It broke. ', 40), 'x', at, at, n::text, 0, '{}',"
        " CASE WHEN n % 40 > 0 THEN n % 5000 END"
        " FROM (SELECT n, now() - n * interval '40 seconds' AS at FROM generate_series(1, 20000) n) made"
    )
    connection = await asyncpg.connect(harness.url)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()
    return harness


async def plan(harness: Any, statement: Any, **parameters: Any) -> str:
    compiled = statement.compile(
        dialect=dialect(json_serializer=lambda value: orjson.dumps(value).decode()),
        compile_kwargs={"render_postcompile": True},
    )
    given = {**compiled.params, "rows": "[]", **parameters}
    connection = await asyncpg.connect(harness.url)
    try:
        values = [given[name] for name in compiled.positiontup]
        return "\n".join(line[0] for line in await connection.fetch(f"EXPLAIN {compiled}", *values))
    finally:
        await connection.close()


def wanted(count: int = 5) -> dict[str, Any]:
    return key_parameters([(number % 20, random_id()) for number in range(count)])


def page(**fields: Any) -> Any:
    return report_lists.statement_of(report_lists.ReportFilter(**fields)).order_by(*NEWEST).limit(101)


async def test_events_are_found_by_their_key(filled: Any) -> None:
    found = await plan(filled, events.LOOKUP, **wanted())
    assert "Index Scan using events_2026_11_23_pkey" in found
    assert "Seq Scan on events_2026_11_23" not in found


async def test_the_sweep_leaves_weeks_out_that_cannot_hold_its_events(filled: Any) -> None:
    now = filled.clock.now()
    window = {"earliest": now - timedelta(days=1), "latest": now}
    found = await plan(filled, events.LOOKUP_BOUNDED, **wanted(2_000), **window)
    assert "events_2026_11_23_pkey" in found
    assert "events_2026_11_16" not in found
    assert "events_default" not in found


async def test_the_sweep_reads_waiting_reports_only(filled: Any) -> None:
    now = filled.clock.now()
    bounds = {"after_date": now - timedelta(days=30), "after_id": 0, "until": now, "chunk": 2_000}
    found = await plan(filled, reports.WAITING_CHUNK, **bounds)
    assert "reports_waiting" in found
    assert "Seq Scan" not in found


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (reports.FIND_LOCKED, "reports_project_id_event_id_key"),
        (reports.FIND_WAITING_LOCKED, "reports_"),
    ],
)
async def test_reports_are_found_by_their_key(filled: Any, statement: Any, index: str) -> None:
    found = await plan(filled, statement, **wanted())
    assert index in found
    assert "Seq Scan" not in found


async def test_writes_find_their_rows_by_index(filled: Any) -> None:
    assert "Conflict Arbiter Indexes: groups_project_id_hash_key" in await plan(filled, groups.UPSERT)
    assert "Conflict Arbiter Indexes: reports_project_id_event_id_key" in await plan(filled, reports.UPSERT)
    assert "reports_pkey" in await plan(filled, reports.SET_LINKS)


@pytest.mark.parametrize(
    ("fields", "index"),
    [
        ({"project_ids": [3], "linked": True}, "reports_of_project"),
        ({"project_ids": [3], "linked": True, "status": "unresolved"}, "reports_of_project"),
        ({"organization_id": 3, "project_ids": [3, 8, 13]}, "reports_of_organization"),
        ({"group_id": 77}, "reports_of_group"),
    ],
)
async def test_pages_are_read_in_order_of_an_index(filled: Any, fields: dict[str, Any], index: str) -> None:
    found = await plan(filled, page(**fields))
    assert f"using {index} on reports" in found or f"on {index}" in found
    assert "Seq Scan on reports" not in found


async def test_retention_and_privacy_find_their_rows_by_index(filled: Any) -> None:
    contact = reports.select_by_email(3, "7@example.com", 500)
    assert "reports_contact" in await plan(filled, contact)
    old = reports.select_expired(filled.clock.now() - timedelta(days=200), 5_000)
    assert "Seq Scan" not in await plan(filled, old)
