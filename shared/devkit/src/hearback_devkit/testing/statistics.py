"""Tables that PostgreSQL's statistics call empty, and how much a transaction read of them.

A table that was emptied and vacuumed counts as empty until it is analyzed, however much it is filled meanwhile.
What an `ANALYZE` found of its columns before is kept.
"""

from enum import StrEnum

from hearback_kit.db import Connection
from sqlalchemy import text

_RELATIONS = """
SELECT relid FROM pg_partition_tree(:table)
UNION ALL SELECT CAST(:table AS regclass)
UNION ALL SELECT indexrelid FROM pg_index WHERE indrelid IN (
    SELECT relid FROM pg_partition_tree(:table) UNION ALL SELECT CAST(:table AS regclass)
)
"""
_CALL_EMPTY = f"UPDATE pg_class SET relpages = 2, reltuples = 0 WHERE oid IN ({_RELATIONS})"
_FORGET = f"DELETE FROM pg_statistic WHERE starelid IN ({_RELATIONS})"
_PARTS = "SELECT CAST(relid AS text) FROM pg_partition_tree(:table) WHERE isleaf"
_COLUMNS = """
SELECT attname FROM pg_attribute
WHERE attrelid = CAST(:table AS regclass) AND attnum > 0 AND NOT attisdropped AND attidentity = ''
"""
_READ = """
SELECT CAST(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) AS bigint) FROM pg_stat_xact_user_tables
"""


class Past(StrEnum):
    """What PostgreSQL knows of the columns of a table that it calls empty."""

    NEW = "new"  # nothing: it was never analyzed
    REFILLED = "refilled"  # what is true: it was as full before, and was emptied and filled since


async def call_empty(connection: Connection, *tables: str, past: Past = Past.NEW) -> None:
    """Make PostgreSQL believe that filled tables are empty, and stay so whatever is stored in them."""
    for table in tables:
        for part in (await connection.scalars(text(_PARTS), {"table": table})).all():
            await connection.execute(text(f"ALTER TABLE {part} SET (autovacuum_enabled = false)"))
        if past is Past.REFILLED:
            await connection.execute(text(f"ANALYZE {table}"))
        else:
            await connection.execute(text(_FORGET), {"table": table})
        await connection.execute(text(_CALL_EMPTY), {"table": table})


async def copy_row(connection: Connection, table: str, count: int, *, where: str = "true", **changed: str) -> None:
    """Store `count` copies of a row of a table, with these expressions of their number `n` as columns."""
    found = await connection.scalars(text(_COLUMNS), {"table": table})
    names = [name for name in found if name in changed or name != "id"]
    listed = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(changed.get(name, f'"{name}"') for name in names)
    copied = f"FROM (SELECT * FROM {table} WHERE {where} LIMIT 1) AS one, generate_series(1, {count}) AS n"
    await connection.execute(text(f"INSERT INTO {table} ({listed}) SELECT {values} {copied}"))


async def count_read(connection: Connection) -> int:
    """Return how many rows the transaction has read so far."""
    return await connection.scalar(text(_READ)) or 0
