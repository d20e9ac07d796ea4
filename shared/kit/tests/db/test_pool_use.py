"""Connections that quiet times do not need are closed."""

import asyncio

import pytest
from hearback_devkit.testing import eventually
from hearback_kit.db import Database
from hearback_kit.db.pool_use import PoolUse


def test_a_window_tells_how_many_were_used_at_once():
    use = PoolUse(10)
    for _ in range(3):
        use.begin()
    assert [use.end(0), use.end(1), use.end(2)] == [None, None, None]
    use.begin()
    assert use.end(10) == 3
    use.begin()
    assert use.end(15) is None
    use.begin()
    assert use.end(20) == 1


def test_what_is_in_use_counts_for_the_next_window():
    use = PoolUse(10)
    use.begin()
    use.begin()
    assert use.end(0) is None
    use.begin()
    assert use.end(11) == 2
    use.begin()
    assert use.end(22) == 2, "one was open all the time"


def test_a_busy_window_closes_nothing() -> None:
    use = PoolUse(10)
    for now in range(1_000):
        use.begin()
        assert use.end(now / 10) is None
    use.begin()
    assert use.end(200) is None, "the end of the busy window"
    use.begin()
    assert use.end(211) == 1


async def test_each_statement_commits(database: Database) -> None:
    async with database.statements() as connection:
        await connection.exec_driver_sql("CREATE TABLE kept (n int)")
        await connection.exec_driver_sql("INSERT INTO kept VALUES (1)")
        with pytest.raises(Exception, match="division by zero"):
            await connection.exec_driver_sql("SELECT 1 / 0")
        await connection.exec_driver_sql("INSERT INTO kept VALUES (2)")
    async with database.connection() as connection:
        rows = await connection.exec_driver_sql("SELECT n FROM kept ORDER BY n")
        assert [row[0] for row in rows] == [1, 2]


async def test_connections_of_a_busy_moment_are_closed(database: Database, database_url: str) -> None:
    busy = Database(database_url, pool_size=5, quiet_seconds=0.1)

    async def use() -> None:
        async with busy.connection() as connection:
            await connection.exec_driver_sql("SELECT pg_sleep(0.05)")

    async def connections() -> int:
        async with database.connection() as connection:
            found = await connection.exec_driver_sql(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            return int(found.scalar_one())

    try:
        await asyncio.gather(*(use() for _ in range(5)))
        assert await connections() == 5

        async def few_are_left() -> bool:
            await use()
            return await connections() <= 2

        await eventually(few_are_left)
    finally:
        await busy.close()
