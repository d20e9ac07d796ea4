"""A database with enough rows that the planner has a choice."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest_asyncio
from hearback_devkit.testing.databases import Databases
from hearback_kit.db import Database
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import asyncpg

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
# An index is made faster than it grows. What autovacuum would do and when is not left to it.
_PREPARE = ("DROP INDEX feedback_trigrams", "ALTER TABLE feedback SET (autovacuum_enabled = false)")
_TRIGRAMS = """
CREATE INDEX feedback_trigrams ON feedback
USING gin (message gin_trgm_ops, url gin_trgm_ops, user_email gin_trgm_ops)
"""


@asynccontextmanager
async def _filled(databases: Databases, finish: str) -> AsyncIterator[Database]:
    url = await databases.take("feedback.store.migrations")
    database = Database(url, statement_timeout_ms=60_000)
    async with database.transaction() as connection:
        for statement in _PREPARE:
            await connection.execute(text(statement))
        await connection.execute(text(_FILL), {"rows": ROWS})
        await connection.execute(text(_TRIGRAMS))
    async with database.connection() as connection:
        outer = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await outer.execute(text(finish))
    yield database
    await database.close()
    databases.give_back(url)


@pytest_asyncio.fixture(scope="session")
async def full(databases: Databases) -> AsyncIterator[Database]:
    """A database with many rows in four projects; tests only read it."""
    async with _filled(databases, "ANALYZE feedback") as database:
        yield database


@pytest_asyncio.fixture(scope="session")
async def vacuumed(databases: Databases) -> AsyncIterator[Database]:
    """The same as autovacuum leaves it: the planner counts what is pending."""
    async with _filled(databases, "VACUUM ANALYZE feedback") as database:
        yield database


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
