"""The queries use the indexes that were made for them."""

from datetime import timedelta
from typing import Any

import orjson
import pytest_asyncio
from client_reports.domain.stats import StatsQuery, window
from client_reports.store.stats import stats_statement
from client_reports.store.submissions import (
    SORT_KEY,
    SubmissionFilter,
    submissions_statement,
)
from hearback_contracts.outcomes import SubmissionState
from hearback_kit.db.rows import Window
from sqlalchemy import text
from sqlalchemy.dialects import postgresql

STEPS = orjson.dumps([["2026-11-24T12:00:00+00:00", "feedback", "stored", "stored", None, None, None]]).decode()


@pytest_asyncio.fixture
async def filled(fresh_store: Any) -> Any:
    """Two hundred projects, of which the queries look at one."""
    store = fresh_store
    async with store.database.transaction() as connection:
        await connection.execute(
            text(
                "INSERT INTO submission SELECT n % 200, md5(n::text), CAST(:now AS date) - n % 31, 1,"
                " CAST(:now AS timestamptz) - n * interval '1 second', 'new_feedback_envelope',"
                " CASE WHEN n % 50 = 0 THEN 'invalid' ELSE 'stored' END, CASE WHEN n % 50 = 0 THEN 'empty' END,"
                " NULL, CAST(:steps AS jsonb) FROM generate_series(1, 40000) AS n"
            ),
            {"now": store.clock.now(), "steps": STEPS},
        )
        await connection.execute(
            text(
                "INSERT INTO counter_hours (bucket, organization_id, project_id, key_id, category, outcome, sdk,"
                " times_3) SELECT date_trunc('day', CAST(:now AS timestamptz)) - n * interval '1 day',"
                " 1, project, 1, 1, 0, 'x/1', 1 FROM generate_series(0, 60) AS n,"
                " generate_series(1, 200) AS project"
            ),
            {"now": store.clock.now()},
        )
    async with store.database.transaction() as connection:
        await connection.execute(text("ANALYZE"))
    return store


async def plan(store: Any, statement: Any) -> str:
    compiled = statement.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})
    async with store.database.connection() as connection:
        rows = await connection.exec_driver_sql(f"EXPLAIN {compiled}")
        return "\n".join(row[0] for row in rows.all())


LISTS = (
    SubmissionFilter(),
    SubmissionFilter(states=(SubmissionState.INVALID,)),
    SubmissionFilter(sources=("new_feedback_envelope",)),
    SubmissionFilter(reasons=("empty",)),
    SubmissionFilter(id_prefix="a0"),
)


async def test_no_list_of_submissions_scans_a_table(filled: Any) -> None:
    after = (filled.clock.now() - timedelta(minutes=5), "f" * 32)
    for wanted in LISTS:
        for position in (None, after):
            statement = Window(51, position).statement(submissions_statement(7, wanted), SORT_KEY)
            found = await plan(filled, statement)
            assert "Seq Scan on submission_2026" not in found, found
            assert "Index" in found


async def test_statistics_of_one_project_scan_no_table_and_only_the_partitions_they_need(filled: Any) -> None:
    asked = window(period="24h", start=None, end=None, interval="1h", now=filled.clock.now(), points_max=100)
    query = StatsQuery(asked, ("sum(quantity)",), ("outcome", "sdk"), 1, (7,))
    found = await plan(filled, stats_statement(query, groups_max=10))
    assert "Seq Scan" not in found, found
    assert found.count(" on counter_hours_2026") <= 4, found
