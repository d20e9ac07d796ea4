"""Create partitions ahead of time, and drop expired ones."""

from hearback_kit.clock import Clock
from hearback_kit.db import Database
from hearback_kit.db.partitions import Partitions

from client_reports import metrics
from client_reports.store.submissions import delete_usage


async def keep_partitions(database: Database, partitions: Partitions, clock: Clock) -> None:
    """Maintain the partitions of all tables, and delete old usage of the journal."""
    now = clock.now()
    await partitions.ensure(now)
    for table, _ in await partitions.drop_old(now):
        metrics.PARTITIONS_DROPPED.labels(table).inc()
    await database.write(delete_usage, now.date())
