"""Delete data past its retention; safe to run in several workers at once."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from hearback_kit.db.partitions import Partitions

from user_reports import metrics
from user_reports.service.app_state import ServiceContext
from user_reports.settings import Settings
from user_reports.store import deletions, events, groups, refusals, reports

REFUSALS_KEPT: Final = timedelta(days=7)
_Delete = Callable[..., Awaitable[int]]


async def expire_records(context: ServiceContext, partitions: Partitions, settings: Settings) -> None:
    """Create upcoming partitions, and drop or delete everything past its retention, a chunk per transaction."""
    now, limit = context.clock.now(), settings.retention_chunk_max
    retention = timedelta(days=settings.retention_days)

    async def delete(kind: str, delete_chunk: _Delete, before: datetime, *of_project: int) -> None:
        count = limit
        while count == limit:
            count = await context.database.write(delete_chunk, before, limit, *of_project)
            metrics.EXPIRED.labels(kind).inc(count)

    await partitions.ensure(now)
    metrics.EXPIRED.labels("partition").inc(len(await partitions.drop_old(now)))
    await delete("event", events.delete_stray_events, now - retention)
    await _expire_reports(context, now - retention, limit)
    await delete("group", groups.delete_groups, now - retention)
    await delete("deletion", deletions.forget_deleted, now - retention)
    await delete("refusal", refusals.delete_refusals, now - REFUSALS_KEPT)
    for project_id in await context.database.read(groups.project_ids):
        days = await context.projects.retention_days(project_id)
        if days is not None and timedelta(days=days) < retention:
            before = now - timedelta(days=days)
            await delete("event", events.delete_events, before, project_id)
            await _expire_reports(context, before, limit, project_id)
            await delete("group", groups.delete_groups, before, project_id)


async def _expire_reports(context: ServiceContext, before: datetime, limit: int, *of_project: int) -> None:
    count = limit
    while count == limit:
        async with context.transaction() as transaction:
            deleted = await reports.delete_expired(transaction.connection, before, limit, *of_project)
            for report in deleted:
                transaction.recorder.record_expired(report)
        count = len(deleted)
        metrics.EXPIRED.labels("report").inc(count)
