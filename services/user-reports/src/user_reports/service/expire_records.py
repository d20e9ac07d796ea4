"""Delete in chunks what is past its retention and not dropped with a partition."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from hearback_kit.db import Connection

from user_reports import metrics
from user_reports.service.context import ServiceContext
from user_reports.store import deletions, events, groups, refusals, reports

_Delete = Callable[[Connection], Awaitable[int]]


async def expire_everywhere(context: ServiceContext, before: datetime, *, chunk_max: int) -> None:
    """Delete the records of all projects from before a time."""
    await _in_chunks(context, "event", chunk_max, lambda c: events.delete_stray_events(c, before, chunk_max))
    await _expire_reports(context, before, chunk_max, None)
    await _in_chunks(context, "group", chunk_max, lambda c: groups.delete_groups(c, before, chunk_max, None))
    await _in_chunks(context, "deletion", chunk_max, lambda c: deletions.forget_deleted(c, before, chunk_max))


async def expire_refusals(context: ServiceContext, before: datetime, *, chunk_max: int) -> None:
    """Delete the ids of messages refused before a time."""
    await _in_chunks(context, "refusal", chunk_max, lambda c: refusals.delete_refusals(c, before, chunk_max))


async def expire_projects(context: ServiceContext, shorter_than: timedelta, *, chunk_max: int) -> None:
    """Delete expired records of projects whose retention is less than `shorter_than`."""
    now = context.clock.now()
    project_ids = await context.database.read(groups.project_ids)
    for project_id in project_ids:
        days = await context.projects.retention_days(project_id)
        if days is not None and timedelta(days=days) < shorter_than:
            await _expire_project(context, project_id, now - timedelta(days=days), chunk_max)


async def _expire_project(context: ServiceContext, project_id: int, before: datetime, chunk_max: int) -> None:
    await _in_chunks(context, "event", chunk_max, lambda c: events.delete_events(c, project_id, before, chunk_max))
    await _expire_reports(context, before, chunk_max, project_id)
    await _in_chunks(context, "group", chunk_max, lambda c: groups.delete_groups(c, before, chunk_max, project_id))


async def _expire_reports(
    context: ServiceContext, before: datetime, chunk_max: int, project_id: int | None
) -> None:
    while True:
        async with context.transaction() as (connection, recorder):
            deleted = await reports.delete_expired(connection, before, chunk_max, project_id)
            for report in deleted:
                recorder.record_expired(report)
        metrics.EXPIRED.labels("report").inc(len(deleted))
        if len(deleted) < chunk_max:
            return


async def _in_chunks(context: ServiceContext, kind: str, chunk_max: int, delete: _Delete) -> None:
    """Run a delete, each in its own transaction, until nothing is left."""
    while True:
        count = await context.database.write(delete)
        metrics.EXPIRED.labels(kind).inc(count)
        if count < chunk_max:
            return
