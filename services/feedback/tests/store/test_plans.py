"""Hot statements use the indexes they were given, with enough rows that the planner has a choice."""

import re
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from feedback.domain.search import parse_search
from feedback.domain.statuses import STATUSES
from feedback.settings import Settings
from feedback.store.conditions import conditions, in_environments, of_event, seen_between
from feedback.store.feedback_pages import (
    BY_INVERTED_INDEX,
    IN_ORDER,
    WITHOUT_SCANS,
    finds_statement,
    mailbox_statement,
    newest_statement,
)
from feedback.store.feedback_read import Position, Selection, count_statement
from feedback.store.similar import linked_statement
from hearback_kit.db import Database
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import asyncpg

from ..conftest import NOW

ROWS = 60_000
_FILL = """
INSERT INTO feedback (organization_id, project_id, event_id, submission_id, revision, source, occurrence_id,
    fingerprint, short_id, title, message, environment, platform, level, user_email, first_seen, received_at,
    status, tags, evidence, event, facets, search)
SELECT 1, 1 + n % 4, md5(n::text), md5(n::text), 0, 'new_feedback_envelope', '', '', 'P-' || n, 't',
    'word' || n % 500 || ' page number' || n, 'production', 'javascript', 'info', 'user' || n || '@example.com',
    t, t, CASE WHEN n % 3 = 0 THEN 'unresolved' WHEN n % 3 = 1 THEN 'resolved' ELSE 'ignored' END,
    '{}', '{}', '{}',
    ARRAY['environment=' || CASE WHEN n % 1000 = 0 THEN 'rare' ELSE 'production' END, 'k=' || n],
    to_tsvector('simple', 'word' || n % 500 || ' page number' || n)
FROM (SELECT n, timestamptz '2026-11-24' - n * interval '1 minute' AS t FROM generate_series(1, :rows) n) s
"""


@pytest_asyncio.fixture
async def full(settings: Settings) -> Any:
    """A database with many rows in four projects."""
    database = Database(settings.database_url, statement_timeout_ms=60_000)
    async with database.transaction() as connection:
        await connection.execute(text("DROP INDEX feedback_trigrams"))
        await connection.execute(text(_FILL), {"rows": ROWS})
        await connection.execute(
            text("CREATE INDEX feedback_trigrams ON feedback USING gin"
                 " (message gin_trgm_ops, url gin_trgm_ops, user_email gin_trgm_ops)")
        )  # fmt: skip
        await connection.execute(text("ANALYZE feedback"))
    yield database
    await database.close()


async def explain(database: Database, statement: Any, setting: Any = None) -> str:
    """The plan of a statement, prepared with its values as the service runs it."""
    compiled = statement.compile(dialect=asyncpg.dialect(), compile_kwargs={"render_postcompile": True})
    values = [compiled.params[name] for name in compiled.positiontup]
    async with database.connection() as connection:
        if setting is not None:
            await connection.execute(setting)
        driver = (await connection.get_raw_connection()).driver_connection
        rows = await driver.fetch(f"EXPLAIN {compiled}", *values)
        return "\n".join(row[0] for row in rows)


def selection(query: str, projects: list[int], environments: list[str] | None = None) -> Selection:
    search = parse_search(query, now=NOW)
    found = [*conditions(search, lambda _: []), *in_environments(environments or [])]
    return Selection(1, projects, search.statuses, found)


EVERY_PROJECT = list(range(1, 5))
MAILBOXES = [("is:unresolved", [1]), ("", [1]), ("", EVERY_PROJECT), ("is:resolved firstSeen:>2026-11-23", [1])]
SEARCHES = [
    ("number777", "feedback_search"),
    ("page", "feedback_seen_mailbox"),  # every row has it
    ("k:777", "feedback_facets"),
    ("user.email:user777@*", "feedback_trigrams"),
    ("*umber777*", "feedback_trigrams"),
    ("id:" + "a" * 32, "feedback_event"),
]


@pytest.mark.parametrize("projects", [[1], EVERY_PROJECT], ids=["one", "all"])
async def test_statements_use_their_indexes(full: Database, projects: list[int]) -> None:
    wrong = {}
    for query, only in MAILBOXES:
        plan = await explain(full, mailbox_statement(selection(query, only), 26, Position(NOW, 4)))
        if "using feedback_seen_mailbox" not in plan or "Seq Scan" in plan:
            wrong[query] = plan
    for query, index in SEARCHES:
        found = selection(query, projects)
        plan = await explain(full, finds_statement(found), BY_INVERTED_INDEX)
        if f"Bitmap Index Scan on {index}" not in plan:
            wrong[query] = plan
        plan = await explain(full, newest_statement(found, 26, Position(NOW, 4)), IN_ORDER)
        in_order = "feedback_seen" in plan or "feedback_seen_mailbox" in plan or index == "feedback_event"
        if not in_order or "Seq Scan" in plan or ("Sort" in plan and index != "feedback_event"):
            wrong[query, "in order"] = plan
    assert wrong == {}


@pytest.mark.parametrize("projects", [[1], EVERY_PROJECT], ids=["one", "all"])
async def test_an_event_id_is_looked_up_and_nothing_is_scanned(full: Database, projects: list[int]) -> None:
    async with full.transaction() as connection:  # as autovacuum does: the planner counts what is pending
        for index in ("feedback_facets", "feedback_search"):
            await connection.execute(text(f"SELECT gin_clean_pending_list('{index}')"))
    plan = await explain(full, linked_statement(projects[0], ["a" * 32, "b" * 32]), WITHOUT_SCANS)
    assert set(re.findall(r"Index Scan (?:using|on) (\w+)", plan)) == {"feedback_facets", "feedback_pkey"}, plan
    direct = Selection(1, projects, STATUSES, [of_event("a" * 32)], is_search=True)
    for wanted, indexes in (
        (direct, {"feedback_event", "feedback_facets"}),
        (selection("a" * 32, projects), {"feedback_event", "feedback_facets", "feedback_search"}),
    ):
        plan = await explain(full, finds_statement(wanted), BY_INVERTED_INDEX)
        assert set(re.findall(r"Bitmap Index Scan on (\w+)", plan)) == indexes, plan
        assert "Seq Scan" not in plan


async def test_a_time_range_is_read_from_the_index_alone(full: Database) -> None:
    within = [*seen_between(NOW - timedelta(days=2), NOW - timedelta(days=1))]
    plan = await explain(full, mailbox_statement(Selection(1, EVERY_PROJECT, ["unresolved"], within), 26))
    assert "using feedback_seen_mailbox" in plan
    [condition] = [line for line in plan.splitlines() if "Index Cond" in line and "first_seen" in line]
    assert condition.count("first_seen") == 2


async def test_a_mailbox_is_counted_from_the_index_alone(full: Database) -> None:
    async with full.connection() as connection:
        outer = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await outer.execute(text("VACUUM feedback"))
    plan = await explain(full, count_statement(selection("is:unresolved", [1]), None))
    assert "Index Only Scan using feedback_" in plan
