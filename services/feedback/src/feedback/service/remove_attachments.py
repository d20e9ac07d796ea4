"""Delete attachments past their retention or without an event, and the bytes of deleted ones."""

from collections.abc import Sequence
from datetime import timedelta

from hearback_contracts.options import Option
from hearback_contracts.outcomes import SubmissionState
from hearback_contracts.reasons import Reason
from hearback_fleet.configuration import Configuration
from hearback_fleet.recording import OutcomeRecorder, SubmissionRef
from hearback_fleet.unit_of_work import UnitOfWork
from hearback_kit.blobs import BlobStore
from hearback_kit.db import Database

from feedback.metrics import ATTACHMENTS
from feedback.service.find_error_events import ErrorEvents
from feedback.settings import Settings
from feedback.store import attachment_removal as store
from feedback.store.attachment_removal import Orphan
from feedback.store.attachments import Attachment, delete_by_ids

CHUNK_MAX = 500


async def delete_one(unit_of_work: UnitOfWork, attachment_id: int) -> None:
    """Mark an attachment as deleted; a job deletes its bytes."""
    async with unit_of_work.begin() as work:
        await delete_by_ids(work.connection, [attachment_id], unit_of_work.clock.now(), Reason.DELETED.value)


async def delete_bytes(database: Database, blobs: BlobStore) -> None:
    """Delete the bytes of deleted attachments; safe to kill at any point."""
    while True:
        async with database.transaction() as connection:
            pending = await store.take_pending(connection, CHUNK_MAX)
            if pending:
                await blobs.delete([blob.blob_key for blob in pending])
                await store.mark_bytes_deleted(connection, [blob.id for blob in pending])
        ATTACHMENTS.labels("bytes_deleted").inc(len(pending))
        if len(pending) < CHUNK_MAX:
            return


class DeleteExpiredAttachments:
    """Deletes attachments past their project's `hearback:retention_days`."""

    def __init__(self, unit_of_work: UnitOfWork, configuration: Configuration, settings: Settings) -> None:
        self._unit_of_work = unit_of_work
        self._configuration = configuration
        self._settings = settings

    async def __call__(self) -> None:
        """Delete what is past its time, a chunk per transaction, and forget those deleted long ago."""
        now = self._unit_of_work.clock.now()
        async with self._unit_of_work.database.transaction() as connection:
            await store.forget(connection, now - timedelta(days=self._settings.closed_submission_days))
            project_ids = await store.list_projects(connection)
        for project_id in project_ids:
            project = await self._configuration.project(project_id)
            if project is not None:
                while await self._delete_chunk(project_id, project.option(Option.RETENTION_DAYS)):
                    continue

    async def _delete_chunk(self, project_id: int, days: int) -> bool:
        now = self._unit_of_work.clock.now()
        async with self._unit_of_work.database.transaction() as connection:
            ids = await store.list_expired(connection, project_id, now - timedelta(days=days), CHUNK_MAX)
            await delete_by_ids(connection, ids, now, Reason.DELETED.value)
        ATTACHMENTS.labels("expired").inc(len(ids))
        return len(ids) == CHUNK_MAX


class DeleteOrphans:
    """Deletes attachments whose event did not arrive within `orphan_hours`."""

    def __init__(self, unit_of_work: UnitOfWork, error_events: ErrorEvents, settings: Settings) -> None:
        self._unit_of_work = unit_of_work
        self._error_events = error_events
        self._settings = settings

    async def __call__(self) -> None:
        """Decide on attachments that waited too long; without an index of error events they are kept."""
        before = self._unit_of_work.clock.now() - timedelta(hours=self._settings.orphan_hours)
        await self._unit_of_work.database.write(store.mark_feedback_found, before)
        after = 0
        while self._error_events.is_configured:
            async with self._unit_of_work.database.statements() as connection:
                waiting = await store.list_orphans(connection, before, CHUNK_MAX, after)
            if waiting:
                after = waiting[-1].id
                await self._decide(waiting)
            if len(waiting) < CHUNK_MAX:
                return

    async def _decide(self, waiting: Sequence[Orphan]) -> None:
        events: dict[int, set[str]] = {}
        for row in waiting:
            events.setdefault(row.project_id, set()).add(row.event_id)
        known = {project: await self._error_events.find(project, sorted(ids)) for project, ids in events.items()}
        found = [row.id for row in waiting if row.event_id in known[row.project_id]]
        lost = [row.id for row in waiting if row.event_id not in known[row.project_id]]
        reason = Reason.EVENT_NEVER_ARRIVED.value
        async with self._unit_of_work.begin() as work:
            await store.mark_found(work.connection, found)
            removed = await delete_by_ids(work.connection, lost, self._unit_of_work.clock.now(), reason)
            for attachment in {(row.project_id, row.event_id): row for row in removed}.values():
                _record_removed(work.record, attachment)
        ATTACHMENTS.labels(reason).inc(len(removed))


def _record_removed(record: OutcomeRecorder, attachment: Attachment) -> None:
    """Record it just before the time of receipt, so that a refusal of the event itself stays the last step."""
    record.step(
        SubmissionRef(attachment.organization_id, attachment.project_id, attachment.event_id),
        SubmissionState.DROPPED,
        "attachments_removed",
        Reason.EVENT_NEVER_ARRIVED,
        at=attachment.received_at - timedelta(seconds=1),
    )
