"""PostgreSQL: what is an outage and what is our own fault; timeouts; transactions."""

import asyncio
import os

import asyncpg
import pytest
from hearback_devkit.testing import FaultProxy, eventually
from hearback_kit.db import AlreadyThere, Database
from hearback_kit.errors import QueryTimeout, Unavailable
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError


async def count(database: Database) -> int:
    async with database.connection() as connection:
        return await connection.scalar(text("SELECT count(*) FROM t"))


@pytest.fixture
async def table(database):
    async with database.transaction() as connection:
        await connection.execute(text("CREATE TABLE t (id int PRIMARY KEY)"))
    return database


async def insert_and_fail(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(text("INSERT INTO t VALUES (2)"))
        raise ZeroDivisionError


async def test_a_transaction_is_kept_whole_or_not_at_all(table):
    async with table.transaction() as connection:
        await connection.execute(text("INSERT INTO t VALUES (1)"))
    with pytest.raises(ZeroDivisionError):
        await insert_and_fail(table)
    async with table.connection() as connection:
        await connection.execute(text("INSERT INTO t VALUES (3)"))
    assert await count(table) == 1


async def test_a_statement_that_takes_too_long_is_kept_apart_from_other_outages(database):
    with pytest.raises(QueryTimeout):
        async with database.connection() as connection:
            await connection.execute(text("SELECT pg_sleep(30)"))
    await database.ping()


async def test_statements_are_not_compiled_whatever_the_server_does_by_default(database, database_url):
    name = database_url.rpartition("/")[2].partition("?")[0]
    async with database.transaction() as connection:
        await connection.execute(text(f'ALTER DATABASE "{name}" SET jit = on'))
    later = Database(database_url)
    try:
        async with later.connection() as connection:
            assert await connection.scalar(text("SHOW jit")) == "off"
    finally:
        await later.close()
        async with database.transaction() as connection:
            await connection.execute(text(f'ALTER DATABASE "{name}" RESET jit'))


async def test_a_wrong_statement_is_our_fault(database):
    with pytest.raises(DBAPIError):
        async with database.connection() as connection:
            await connection.execute(text("SELECT nonsense FROM nowhere"))


async def test_a_file_that_is_missing_is_not_the_databases_fault(database):
    with pytest.raises(FileNotFoundError):
        async with database.connection():
            os.listdir("/no/such/folder")  # noqa: PTH208


async def test_values_are_not_in_errors(table):
    statement = text("INSERT INTO t VALUES (CAST(:secret AS text)::int)")
    with pytest.raises(DBAPIError) as failure:
        async with table.transaction() as connection:
            await connection.execute(statement, {"secret": "hunter2"})
    assert "parameters hidden" in str(failure.value)


async def sleep(database: Database, seconds: int = 0) -> None:
    async with database.direct() as connection:
        await connection.fetch("SELECT pg_sleep($1)", seconds)


@pytest.mark.parametrize("use", [Database.ping, sleep], ids=["pooled", "direct"])
async def test_a_lost_connection_is_an_outage_and_the_next_one_works(database_url, use):
    async with FaultProxy.to(database_url).run() as proxy:
        far = Database(proxy.url, pool_size=1)
        await use(far)
        proxy.refuse()
        for _ in range(2):
            with pytest.raises(Unavailable):
                await use(far)
        proxy.heal()
        await use(far)
        await far.close()


@pytest.mark.parametrize("way", ["connection", "transaction", "statements", "direct", "direct_transaction"])
async def test_a_server_that_was_away_between_two_requests_costs_none_of_them(database, database_url, way):
    pool = Database(database_url, pool_size=2)
    async with pool.direct() as first, pool.direct() as second:
        held = [first, second]
    async with database.statements() as connection:
        for one in held:
            await connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": one.get_server_pid()})
    await eventually(lambda: all(one.is_closed() for one in held))
    for _ in held:
        async with getattr(pool, way)() as connection:
            if way.startswith("direct"):
                assert [row[0] for row in await connection.fetch("SELECT 1")] == [1]
            else:
                assert await connection.scalar(text("SELECT 1")) == 1
    await pool.close()


async def test_a_deadlock_may_be_tried_again(table):
    async with table.transaction() as connection:
        await connection.execute(text("INSERT INTO t VALUES (1), (2)"))
    first_has, second_has = asyncio.Event(), asyncio.Event()

    async def lock(mine: int, other: int, has_locked: asyncio.Event, wait: asyncio.Event) -> None:
        async with table.transaction() as connection:
            await connection.execute(text("SET LOCAL statement_timeout = '10s'"))  # it is found after a second
            await connection.execute(text("SELECT * FROM t WHERE id = :id FOR UPDATE"), {"id": mine})
            has_locked.set()
            await wait.wait()
            await connection.execute(text("SELECT * FROM t WHERE id = :id FOR UPDATE"), {"id": other})

    results = await asyncio.gather(
        lock(1, 2, first_has, second_has), lock(2, 1, second_has, first_has), return_exceptions=True
    )
    assert {type(result) for result in results} <= {Unavailable, type(None)}
    assert Unavailable in {type(result) for result in results}


async def test_one_tenant_gets_its_share_of_connections(database_url):
    pool = Database(database_url, pool_size=3, share_max=2)
    async with pool.connection(share=1), pool.connection(share=1):
        waiting = asyncio.create_task(read(pool, 1))
        assert await read(pool, 2) == 1
        assert await read(pool, None) == 1
        assert not waiting.done()
    assert await waiting == 1
    await pool.close()


async def read(pool: Database, share: int | None) -> int:
    async with pool.connection(share=share) as connection:
        return await connection.scalar(text("SELECT 1"))


async def insert_behind(forgotten: Database, other: Database) -> None:
    async with forgotten.transaction() as left:
        await left.execute(text("INSERT INTO t VALUES (7)"))
        async with other.transaction() as connection:  # waits for the one before, which does nothing
            await connection.execute(text("INSERT INTO t VALUES (7)"))
        await left.execute(text("INSERT INTO t VALUES (8)"))


async def test_a_transaction_that_stays_idle_is_ended_and_its_locks_with_it(table, database_url):
    forgotten = Database(database_url, idle_transaction_ms=300)
    with pytest.raises(Unavailable):
        await insert_behind(forgotten, table)
    assert await count(table) == 1
    await forgotten.ping()
    await forgotten.close()


async def test_a_direct_statement_is_a_transaction_of_its_own(table):
    async with table.direct() as connection:
        await connection.fetch("INSERT INTO t SELECT * FROM unnest($1::int[])", [1, 2])
        with pytest.raises(AlreadyThere):
            await connection.fetch("INSERT INTO t VALUES (3), (2)")
        assert [row["id"] for row in await connection.fetch("SELECT id FROM t ORDER BY id")] == [1, 2]
    assert await count(table) == 2


async def test_a_direct_statement_that_takes_too_long_is_kept_apart(table):
    with pytest.raises(QueryTimeout):
        await sleep(table, 30)
    assert await count(table) == 0


async def test_a_direct_statement_that_is_cut_off_leaves_no_answer_to_the_next(database_url):
    pool = Database(database_url, pool_size=1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await sleep(pool, 1)
    async with pool.direct() as connection:
        assert [row["answer"] for row in await connection.fetch("SELECT 42 AS answer")] == [42]
    await pool.close()


async def test_a_direct_connection_beyond_those_that_are_kept_is_closed(database_url):
    database = Database(database_url, pool_size=1, more_max=1)
    async with database.direct() as first, database.direct() as second:
        pass
    assert sorted([first.is_closed(), second.is_closed()]) == [False, True]
    await database.close()


async def test_a_value_that_the_driver_refuses_is_our_fault(table):
    with pytest.raises(asyncpg.DataError, match="closed"):
        async with table.direct() as connection:
            await connection.fetch("INSERT INTO t SELECT * FROM unnest($1::int[])", ["closed"])
    assert await count(table) == 0
