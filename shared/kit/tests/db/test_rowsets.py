"""Batches that travel as one parameter."""

from datetime import UTC, datetime
from uuid import UUID

from hearback_kit.db.rowsets import arrays, rowset
from sqlalchemy import ARRAY, BigInteger, Column, DateTime, MetaData, Table, Text, Uuid, select
from sqlalchemy.dialects.postgresql import JSONB

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ROWS = Table(
    "rows",
    MetaData(),
    Column("id", BigInteger),
    Column("event_id", Uuid(as_uuid=False)),
    Column("at", DateTime(timezone=True)),
    Column("tags", JSONB),
    Column("names", ARRAY(Text)),
)
ROW = {"id": 1 << 62, "event_id": str(UUID(int=5)), "at": NOW, "tags": {"a": [1, None]}, "names": ["x", 'y"']}


async def test_rows_come_back_as_they_went(database):
    async with database.connection() as connection:
        found = await connection.execute(select(*rowset(ROWS).c), {"rows": [ROW, {"id": 2}]})
    assert [dict(row) for row in found.mappings()] == [ROW, dict.fromkeys(ROW, None) | {"id": 2}]


async def test_columns_are_chosen_and_added(database):
    batch = rowset(ROWS, ["id", "search"], types={"search": Text()})
    async with database.connection() as connection:
        found = await connection.execute(select(*batch.c), {"rows": [{"id": 1, "search": "words", "tags": {}}]})
    assert found.all() == [(1, "words")]


async def test_no_rows_are_no_rows(database):
    async with database.connection() as connection:
        assert (await connection.execute(select(*rowset(ROWS).c), {"rows": []})).all() == []


async def test_arrays_are_parameters_or_values(database):
    types = {"project_id": BigInteger(), "event_id": Text()}
    values = {"project_id": [1, 2], "event_id": ["a", "b"]}
    async with database.connection() as connection:
        by_parameters = await connection.execute(select(*arrays("wanted", types).c), values)
        by_values = await connection.execute(select(*arrays("wanted", types, values).c))
    assert by_parameters.all() == by_values.all() == [(1, "a"), (2, "b")]
