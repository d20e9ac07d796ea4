"""Make partitions before they are needed, and drop what is too old."""

from hearback_kit.clock import Clock
from hearback_kit.db import Database
from hearback_kit.db.partitions import Partitions

from client_reports import metrics
from client_reports.store.submissions import delete_usage


class PartitionJob:
    """Keeps the partitions of all tables, and the journal's usage of today."""

    def __init__(self, database: Database, partitions: Partitions, clock: Clock) -> None:
        self._database = database
        self._partitions = partitions
        self._clock = clock

    async def __call__(self) -> None:
        """Do it for the present time."""
        now = self._clock.now()
        await self._partitions.ensure(now)
        for table, _ in await self._partitions.drop_old(now):
            metrics.PARTITIONS_DROPPED.labels(table).inc()
        await self._database.write(delete_usage, now.date())
