"""A used database is emptied for the next test, and made again when a test changed more than rows."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
from hearback_devkit.testing.databases import Databases, statements_of_rows

PACKAGE = "feedback.store.migrations"
ROW = "INSERT INTO outbox (key, type, version, data) VALUES ('k', 't', 1, '')"


@pytest_asyncio.fixture(scope="module")
async def own(postgres_url: str) -> AsyncIterator[Databases]:
    found = await Databases.open(postgres_url)
    yield found
    await found.close(drops=True)


async def changed(databases: Databases, *statements: str) -> tuple[str, str]:
    """The database that a test had and changed, and the one that the next test gets."""
    url = await databases.take(PACKAGE)
    connection = await asyncpg.connect(url)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()
    databases.give_back(url)
    return url, await databases.take(PACKAGE)


async def test_rows_and_sequences_are_gone(own: Databases) -> None:
    before, after = await changed(own, ROW, ROW)
    assert after == before
    connection = await asyncpg.connect(after)
    assert await connection.fetchval("SELECT count(*) FROM outbox") == 0
    assert await connection.fetchval("SELECT count(*) FROM alembic_version") == 1
    await connection.execute(ROW)
    assert await connection.fetchval("SELECT min(id) FROM outbox") == 1
    await connection.close()


async def test_rows_and_sequences_are_copied(own: Databases) -> None:
    rows = "SELECT * FROM outbox ORDER BY id"
    first, second = [await asyncpg.connect(await own.take(PACKAGE)) for _ in range(2)]
    await first.execute(f"{ROW}; {ROW}; DELETE FROM outbox WHERE id = 1")
    await second.execute(await statements_of_rows(first))
    assert await second.fetch(rows) == await first.fetch(rows) != []
    await second.execute(ROW)
    assert await second.fetchval("SELECT max(id) FROM outbox") == 3
    assert await second.fetchval("SHOW session_replication_role") == "origin"
    for connection in (first, second):
        await connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE more (id int)",
        "ALTER TABLE outbox ADD COLUMN more int",
        "DROP TABLE outbox",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE INDEX more ON outbox (type)",
    ],
)
async def test_another_schema_is_not_used_again(own: Databases, statement: str) -> None:
    before, after = await changed(own, statement)
    assert after != before


async def test_one_in_use_is_not_used_again(own: Databases) -> None:
    url = await own.take(PACKAGE)
    connection = await asyncpg.connect(url)
    own.give_back(url)
    assert await own.take(PACKAGE) != url
    connection.terminate()
