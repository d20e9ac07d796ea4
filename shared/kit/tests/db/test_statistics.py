"""Plans stay good while a table outgrows what PostgreSQL's statistics say of it."""

import pytest
from hearback_devkit.testing.statistics import Past, call_empty, copy_row, count_read
from hearback_kit.db import Database
from hearback_kit.db.rows import delete_some, is_among, unindexed
from hearback_kit.db.rowsets import arrays, for_each
from hearback_kit.db.statistics import GROWTH_MIN, ROWS_MIN, USES_MIN, StatisticsKeeper, refresh_statistics
from sqlalchemy import BigInteger, Column, ColumnElement, MetaData, Table, Text, select

QUEUE = Table("queue", MetaData(), Column("name", Text, primary_key=True), Column("rank", BigInteger, index=True))
WANTED = {"name": ["0", "17", "9000"]}


@pytest.fixture(params=Past)
async def filled(database: Database, request: pytest.FixtureRequest) -> Database:
    """A database with 10,000 rows in a table that counts as empty."""
    async with database.transaction() as connection:
        await connection.run_sync(QUEUE.metadata.create_all)
        await connection.execute(QUEUE.insert().values(name="0", rank=0))
        await copy_row(connection, "queue", 9_999, name="n::text", rank="n")
        await call_empty(connection, "queue", past=request.param)
    return database


async def test_a_chunk_to_delete_is_chosen_once(filled: Database) -> None:
    async with filled.transaction() as connection:
        assert await delete_some(connection, QUEUE, QUEUE.c.rank >= 0, limit=1_000) == 1_000
        assert await count_read(connection) <= 2_000


@pytest.mark.parametrize("skips", [False, True])
async def test_what_another_transaction_holds_may_be_left(filled: Database, skips: bool) -> None:
    async with filled.transaction() as one, filled.transaction() as other:
        await one.execute(select(QUEUE).where(QUEUE.c.rank < 10).with_for_update(skip_locked=True))
        free = QUEUE.c.rank.between(8 if skips else 10, 11)
        assert await delete_some(other, QUEUE, free, limit=9, skip_locked=skips) == 2


async def test_values_are_chosen_once(filled: Database) -> None:
    chosen = select(QUEUE.c.name).where(QUEUE.c.rank < 100)
    async with filled.transaction() as connection:
        found = await connection.execute(select(QUEUE.c.rank).where(is_among(QUEUE.c.name, chosen)))
        assert len(found.all()) == 100
        assert await count_read(connection) < 300


@pytest.mark.parametrize(("rank", "read"), [(QUEUE.c.rank, 1), (unindexed(QUEUE.c.rank), 10_000)])
async def test_an_index_may_be_left_out(filled: Database, rank: ColumnElement[int], read: int) -> None:
    async with filled.transaction() as connection:
        before = await count_read(connection)
        assert (await connection.scalars(select(QUEUE.c.name).where(rank == 17))).all() == ["17"]
        assert await count_read(connection) - before == read


async def test_each_of_a_batch_is_looked_up(filled: Database) -> None:
    wanted = arrays("wanted", {"name": Text()}, WANTED)
    statement = for_each(wanted, select(QUEUE.c.rank).where(QUEUE.c.name == wanted.c.name), wanted.c.name)
    async with filled.transaction() as connection:
        assert (await connection.execute(statement)).all() == [("0", 0), ("17", 17), ("9000", 9_000)]
        assert await count_read(connection) < 100


@pytest.mark.parametrize(("known", "grown"), [(0, ["queue"]), (2 * 10_000 // GROWTH_MIN, [])])
async def test_statistics_follow_a_table_that_has_grown_much(
    filled: Database, known: int, grown: list[str]
) -> None:
    async with filled.direct() as connection:
        await connection.fetch("UPDATE pg_class SET reltuples = $1 WHERE relname = 'queue'", known)
        await connection.fetch("SELECT pg_stat_force_next_flush()")
    assert await refresh_statistics(filled) == grown
    assert await count_rows(filled) == (10_000 if grown else known)
    assert await refresh_statistics(filled) == []


async def test_small_tables_need_no_statistics(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.run_sync(QUEUE.metadata.create_all)
        await connection.execute(QUEUE.insert().values(name="0", rank=0))
        await copy_row(connection, "queue", ROWS_MIN - 2, name="n::text", rank="n")
    async with database.direct() as connection:
        await connection.fetch("SELECT pg_stat_force_next_flush()")
    assert await refresh_statistics(database) == []


async def test_a_database_at_rest_is_left_alone(filled: Database) -> None:
    keeper = StatisticsKeeper(filled)
    await keeper.look()
    assert await count_rows(filled) == 0
    while filled.uses < USES_MIN:
        await filled.ping()
    await keeper.look()
    assert await count_rows(filled) == 10_000
    uses = filled.uses
    await keeper.look()
    assert filled.uses == uses


async def count_rows(database: Database) -> int:
    """Return how many rows the statistics say the table has; make PostgreSQL count what was stored so far."""
    async with database.direct() as connection:
        await connection.fetch("SELECT pg_stat_force_next_flush()")
        [row] = await connection.fetch("SELECT reltuples FROM pg_class WHERE relname = 'queue'")
    return int(row["reltuples"])
