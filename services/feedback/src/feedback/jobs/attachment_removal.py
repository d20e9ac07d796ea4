"""Delete the bytes of deleted attachments, and attachments whose event never arrived."""

from collections.abc import Sequence
from datetime import timedelta

from hearback_contracts.outcomes import SubmissionState
from hearback_contracts.reasons import Reason
from hearback_fleet.recording import OutcomeRecorder, SubmissionRef
from hearback_fleet.unit_of_work import UnitOfWork
from hearback_kit.blobs import BlobStore
from hearback_kit.db import Database

from feedback.metrics import ATTACHMENTS
from feedback.service.find_error_events import ErrorEventIndex
from feedback.settings import Settings
from feedback.store import attachment_removal as store
from feedback.store.attachment_removal import CHUNK_MAX, Orphan
from feedback.store.attachments import Attachment, delete_by_ids


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


async def delete_orphans(unit_of_work: UnitOfWork, error_events: ErrorEventIndex, settings: Settings) -> None:
    """Delete attachments whose event did not arrive within `orphan_hours`; without an index they are kept."""
    before = unit_of_work.clock.now() - timedelta(hours=settings.orphan_hours)
    await unit_of_work.database.write(store.mark_feedback_found, before)
    after = 0
    while error_events.is_configured:
        async with unit_of_work.database.statements() as connection:
            waiting = await store.list_orphans(connection, before, CHUNK_MAX, after)
        if waiting:
            after = waiting[-1].id
            await _delete_unknown(unit_of_work, error_events, waiting)
        if len(waiting) < CHUNK_MAX:
            return


async def _delete_unknown(
    unit_of_work: UnitOfWork, error_events: ErrorEventIndex, waiting: Sequence[Orphan]
) -> None:
    """Delete the attachments whose event is no error event either; mark the others."""
    events: dict[int, set[str]] = {}
    for row in waiting:
        events.setdefault(row.project_id, set()).add(row.event_id)
    known = {project: await error_events.find(project, sorted(ids)) for project, ids in events.items()}
    found = [row.id for row in waiting if row.event_id in known[row.project_id]]
    lost = [row.id for row in waiting if row.event_id not in known[row.project_id]]
    reason = Reason.EVENT_NEVER_ARRIVED.value
    async with unit_of_work.begin() as work:
        await store.mark_found(work.connection, found)
        removed = await delete_by_ids(work.connection, lost, unit_of_work.clock.now(), reason)
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
