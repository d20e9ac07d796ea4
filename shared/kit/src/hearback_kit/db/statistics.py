"""Planner statistics of tables that grow faster than autovacuum looks.

A table that was emptied and has just been filled counts as empty until autovacuum comes, a minute later or more.
Until then any index looks as good as any other, and a table is read whole for each batch: the work grows with the
square of what came.
"""

from typing import Final

from sqlalchemy import text

from hearback_kit.db.database import Database

ROWS_MIN: Final = 1_000  # of fewer, all are read in no time
GROWTH_MIN: Final = 10  # estimates that are off by less hardly change a plan
USES_MIN: Final = 20  # of connections, since the last look: nothing has grown much by fewer
_GROWN: Final = text("""
SELECT oid::regclass::text FROM pg_class
WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
    AND pg_stat_get_live_tuples(oid) >= greatest(:rows, :growth * reltuples)
ORDER BY 1
""")


async def refresh_statistics(database: Database) -> list[str]:
    """Analyze the tables of a database that are far larger than its statistics say; return their names.

    Skipped are those that another process analyzes, and those that the role does not own (PostgreSQL warns).
    """
    async with database.statements() as connection:
        grown = (await connection.execute(_GROWN, {"rows": ROWS_MIN, "growth": GROWTH_MIN})).scalars().all()
        for name in grown:
            await connection.execute(text(f"ANALYZE (SKIP_LOCKED) {name}"))
    return list(grown)


class StatisticsKeeper:
    """Refreshes the statistics of a database that this process uses; one at rest is left alone."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._uses = 0

    async def look(self) -> None:
        """Refresh statistics if connections were taken `USES_MIN` times since the last look."""
        if self._database.uses - self._uses >= USES_MIN:
            await refresh_statistics(self._database)
            self._uses = self._database.uses
