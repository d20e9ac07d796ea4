"""Make partitions before they are needed, and drop what is too old."""

from hearback_kit.clock import Clock
from hearback_kit.db import Database
from hearback_kit.db.partitions import Partitions

from client_reports import metrics
from client_reports.store.submissions import delete_usage


async def keep_partitions(database: Database, partitions: Partitions, clock: Clock) -> None:
    """Keep the partitions of all tables, and the journal's usage of today."""
    now = clock.now()
    await partitions.ensure(now)
    for table, _ in await partitions.drop_old(now):
        metrics.PARTITIONS_DROPPED.labels(table).inc()
    await database.write(delete_usage, now.date())
