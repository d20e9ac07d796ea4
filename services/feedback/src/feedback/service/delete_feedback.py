"""Delete feedback with its attachments, on request or when its retention has ended."""

from collections.abc import Sequence
from datetime import timedelta

from hearback_contracts.options import Option
from hearback_contracts.reasons import Reason
from hearback_fleet.configuration import Configuration
from hearback_fleet.unit_of_work import UnitOfWork, Work

from feedback.metrics import DELETED
from feedback.service.record_outcomes import record_deleted
from feedback.settings import Settings
from feedback.store.attachments import delete_of_events
from feedback.store.feedback_write import Deleted, delete_feedback, lock_expired, lock_feedback
from feedback.store.projects import list_project_ids
from feedback.store.submissions import close_deleted, forget_closed


async def delete_by_id(
    unit_of_work: UnitOfWork, organization_id: int, project_ids: Sequence[int], ids: Sequence[int]
) -> int:
    """Delete feedback of these projects by id, in one transaction; return how many there were.

    Their submissions stay closed: a redelivery does not bring them back.
    """
    async with unit_of_work.begin() as work:
        found = await lock_feedback(work.connection, organization_id, project_ids, ids)
        deleted = len(await delete_rows(work, unit_of_work, [feedback.id for feedback in found]))
    DELETED.labels("person").inc(deleted)
    return deleted


async def delete_rows(work: Work, unit_of_work: UnitOfWork, ids: Sequence[int]) -> list[Deleted]:
    """Delete feedback by id with its attachments, close its submissions and record it; return what was deleted."""
    deleted = await delete_feedback(work.connection, ids)
    now, reason = unit_of_work.clock.now(), Reason.DELETED.value
    await close_deleted(work.connection, deleted, now, reason)
    keys = [(feedback.project_id, feedback.event_id) for feedback in deleted]
    await delete_of_events(work.connection, keys, now, reason)
    for feedback in deleted:
        record_deleted(work.record, feedback)
    return deleted


class DeleteExpired:
    """Deletes feedback past its project's `hearback:retention_days`, and old closed submissions."""

    def __init__(self, unit_of_work: UnitOfWork, configuration: Configuration, settings: Settings) -> None:
        self._unit_of_work = unit_of_work
        self._configuration = configuration
        self._settings = settings

    async def __call__(self) -> None:
        """Delete everything that is past its time, a chunk per transaction."""
        project_ids = await self._unit_of_work.database.read(list_project_ids)
        for project_id in project_ids:
            project = await self._configuration.project(project_id)
            if project is not None:
                while await self._delete_chunk(project_id, project.option(Option.RETENTION_DAYS)):
                    continue
        while await self._forget_chunk():
            continue

    async def _delete_chunk(self, project_id: int, days: int) -> bool:
        limit = self._settings.retention_chunk_max
        before = self._unit_of_work.clock.now() - timedelta(days=days)
        async with self._unit_of_work.begin() as work:
            expired = await lock_expired(work.connection, project_id, before, limit)
            deleted = len(await delete_rows(work, self._unit_of_work, expired))
        DELETED.labels("retention").inc(deleted)
        return deleted == limit

    async def _forget_chunk(self) -> bool:
        limit = self._settings.retention_chunk_max
        before = self._unit_of_work.clock.now() - timedelta(days=self._settings.closed_submission_days)
        async with self._unit_of_work.database.transaction() as connection:
            return await forget_closed(connection, before, limit) == limit
