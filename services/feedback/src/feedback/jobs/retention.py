"""Delete feedback, attachments and closed submissions past their project's retention."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta

from hearback_contracts.options import Option
from hearback_contracts.reasons import Reason
from hearback_fleet.configuration import Configuration
from hearback_fleet.unit_of_work import UnitOfWork

from feedback.metrics import ATTACHMENTS, DELETED
from feedback.service.delete_feedback import delete_rows
from feedback.settings import Settings
from feedback.store import attachment_removal
from feedback.store.attachments import delete_by_ids
from feedback.store.feedback_write import lock_expired
from feedback.store.projects import list_project_ids
from feedback.store.submissions import forget_closed


async def delete_expired(unit_of_work: UnitOfWork, configuration: Configuration, settings: Settings) -> None:
    """Delete feedback past its project's retention, and old closed submissions, a chunk per transaction."""
    database, limit = unit_of_work.database, settings.retention_chunk_max

    async def delete_chunk(project_id: int, before: datetime) -> bool:
        async with unit_of_work.begin() as work:
            expired = await lock_expired(work.connection, project_id, before, limit)
            deleted = len((await delete_rows(work, unit_of_work, expired)).feedback)
        DELETED.labels("retention").inc(deleted)
        return deleted == limit

    project_ids = await database.read(list_project_ids)
    await _delete_of_projects(unit_of_work, configuration, project_ids, delete_chunk)
    closed_before = unit_of_work.clock.now() - timedelta(days=settings.closed_submission_days)
    while await database.write(forget_closed, closed_before, limit) == limit:
        continue


async def delete_expired_attachments(
    unit_of_work: UnitOfWork, configuration: Configuration, settings: Settings
) -> None:
    """Delete attachments past their project's retention, a chunk per transaction; forget old deleted ones."""
    now = unit_of_work.clock.now()

    async def delete_chunk(project_id: int, before: datetime) -> bool:
        async with unit_of_work.database.transaction() as connection:
            limit = attachment_removal.CHUNK_MAX
            ids = await attachment_removal.list_expired(connection, project_id, before, limit)
            await delete_by_ids(connection, ids, now, Reason.DELETED.value)
        ATTACHMENTS.labels("expired").inc(len(ids))
        return len(ids) == limit

    async with unit_of_work.database.transaction() as connection:
        await attachment_removal.forget(connection, now - timedelta(days=settings.closed_submission_days))
        project_ids = await attachment_removal.list_projects(connection)
    await _delete_of_projects(unit_of_work, configuration, project_ids, delete_chunk)


async def _delete_of_projects(
    unit_of_work: UnitOfWork,
    configuration: Configuration,
    project_ids: Iterable[int],
    delete_chunk: Callable[[int, datetime], Awaitable[bool]],
) -> None:
    """Delete what is older than its project's `hearback:retention_days`, in chunks while there may be more."""
    for project_id in project_ids:
        project = await configuration.project(project_id)
        if project is not None:
            before = unit_of_work.clock.now() - timedelta(days=project.option(Option.RETENTION_DAYS))
            while await delete_chunk(project_id, before):
                continue
