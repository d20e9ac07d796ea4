"""Delete data past its retention; safe to run in several workers at once."""

from datetime import timedelta
from typing import Final

from hearback_kit.db.partitions import Partitions

from user_reports import metrics
from user_reports.service import expire_records
from user_reports.service.context import ServiceContext
from user_reports.settings import Settings

REFUSALS_KEPT: Final = timedelta(days=7)


class Retention:
    """Creates partitions and deletes expired data."""

    def __init__(self, context: ServiceContext, partitions: Partitions, settings: Settings) -> None:
        self._context = context
        self._partitions = partitions
        self._settings = settings

    async def run_once(self) -> None:
        """Create upcoming partitions, and drop or delete everything past its retention."""
        context, chunk_max, now = self._context, self._settings.retention_chunk_max, self._context.clock.now()
        retention = timedelta(days=self._settings.retention_days)
        await self._partitions.ensure(now)
        metrics.EXPIRED.labels("partition").inc(len(await self._partitions.drop_old(now)))
        await expire_records.expire_everywhere(context, now - retention, chunk_max=chunk_max)
        await expire_records.expire_refusals(context, now - REFUSALS_KEPT, chunk_max=chunk_max)
        await expire_records.expire_projects(context, retention, chunk_max=chunk_max)
