"""Retention: keeps no data longer than promised; safe to run in several workers at once."""

from datetime import timedelta
from typing import Final

import msgspec
from hearback_kit.db.partitions import Partitions

from user_reports import metrics
from user_reports.service import expire_records
from user_reports.service.context import ServiceContext
from user_reports.settings import Settings

REFUSALS_KEPT: Final = timedelta(days=7)


class RetentionOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How long data is kept, and how many rows are deleted in one transaction."""

    retention: timedelta = timedelta(days=90)
    chunk_max: int = 5_000

    @classmethod
    def of(cls, settings: Settings) -> "RetentionOptions":
        """Return the options as set."""
        return cls(retention=timedelta(days=settings.retention_days), chunk_max=settings.retention_chunk_max)


class Retention:
    """Prepares partitions and removes what is too old."""

    def __init__(self, context: ServiceContext, partitions: Partitions, options: RetentionOptions) -> None:
        self._context = context
        self._partitions = partitions
        self._options = options

    async def run_once(self) -> None:
        """Make coming partitions, drop and delete everything beyond retention."""
        context, chunk_max = self._context, self._options.chunk_max
        now = context.clock.now()
        before = now - self._options.retention
        await self._partitions.ensure(now)
        metrics.EXPIRED.labels("partition").inc(len(await self._partitions.drop_old(now)))
        await expire_records.expire_everywhere(context, before, chunk_max=chunk_max)
        await expire_records.expire_refusals(context, now - REFUSALS_KEPT, chunk_max=chunk_max)
        await expire_records.expire_projects(context, self._options.retention, chunk_max=chunk_max)
