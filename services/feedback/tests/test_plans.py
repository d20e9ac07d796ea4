"""Hot statements use the indexes they were given, with enough rows that the planner has a choice."""

from typing import Any

import pytest_asyncio
from feedback.domain.search import parse_search
from feedback.settings import Settings
from feedback.store.queries import Position, Selection, count_statement, page_statement
from feedback.store.search import conditions, in_environments
from hearback_kit.db import Database
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import asyncpg

from .conftest import NOW

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


async def explain(database: Database, statement: Any) -> str:
    """The plan of a statement, prepared with its values as the service runs it."""
    compiled = statement.compile(dialect=asyncpg.dialect(), compile_kwargs={"render_postcompile": True})
    values = [compiled.params[name] for name in compiled.positiontup]
    async with database.connection() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        rows = await driver.fetch(f"EXPLAIN {compiled}", *values)
        return "\n".join(row[0] for row in rows)


def selection(query: str, projects: list[int], environments: list[str] | None = None) -> Selection:
    search = parse_search(query, now=NOW)
    found = [*conditions(search, lambda _: []), *in_environments(environments or [])]
    return Selection(projects, search.statuses, found)


EVERY_PROJECT = list(range(1, 5))
HOT = [
    ("is:unresolved", [1], "feedback_mailbox"),
    ("", [1], "feedback_mailbox"),
    ("", EVERY_PROJECT, "feedback_mailbox"),
    ("number777", [1], "feedback_search"),
    ("number777", EVERY_PROJECT, "feedback_search"),
    ("page", EVERY_PROJECT, "feedback_mailbox"),
    ("k:777", EVERY_PROJECT, "feedback_facets"),
    ("user.email:user777@*", [1], "feedback_trigrams"),
    ("*umber777*", [1], "feedback_trigrams"),
    ("is:resolved firstSeen:>2026-11-23", [1], "feedback_mailbox"),
    ("id:" + "a" * 32, [1], "feedback_event"),
]


async def test_hot_statements_use_their_indexes(full: Database) -> None:
    wrong = {}
    for query, projects, index in HOT:
        plan = await explain(full, page_statement(selection(query, projects), 26))
        if index not in plan or "Seq Scan" in plan:
            wrong[query, len(projects)] = plan
    assert wrong == {}
    later = page_statement(selection("", EVERY_PROJECT), 26, Position(NOW, 4))
    assert "feedback_mailbox" in await explain(full, later)
    rare = await explain(full, count_statement(selection("number777", EVERY_PROJECT), 1_000))
    assert "feedback_search" in rare


async def test_a_mailbox_is_counted_from_the_index_alone(full: Database) -> None:
    async with full.connection() as connection:
        outer = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await outer.execute(text("VACUUM feedback"))
    plan = await explain(full, count_statement(selection("is:unresolved", [1]), None))
    assert "Index Only Scan using feedback_mailbox" in plan
