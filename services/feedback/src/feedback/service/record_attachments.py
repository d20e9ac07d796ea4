"""Record a batch of attachments, in whatever order they and their events arrive."""

from collections.abc import Sequence
from datetime import datetime

from hearback_contracts.events import AttachmentStored
from hearback_contracts.reasons import Reason
from hearback_fleet.unit_of_work import UnitOfWork
from hearback_kit.values.nul import without_nul

from feedback.metrics import ATTACHMENTS
from feedback.service.record_outcomes import record_attachment
from feedback.store.attachments import NewAttachment, find_deleted_events
from feedback.store.attachments import record_attachments as insert_attachments


async def record_attachments(unit_of_work: UnitOfWork, batch: Sequence[AttachmentStored]) -> None:
    """Record a batch's attachments, each once, in one transaction; those of deleted feedback as deleted."""
    messages = {message.attachment_id: message for message in batch}
    now = unit_of_work.clock.now()
    async with unit_of_work.begin() as work:
        keys = sorted({(message.project_id, message.event_id) for message in batch})
        deleted = await find_deleted_events(work.connection, keys, Reason.DELETED.value)
        rows = [
            _row(message, now if (message.project_id, message.event_id) in deleted else None) for message in batch
        ]
        new = await insert_attachments(work.connection, rows, now)
        for attachment_id in new:
            record_attachment(work.record, messages[attachment_id])
    ATTACHMENTS.labels("recorded").inc(len(new))


def _row(message: AttachmentStored, deleted_at: datetime | None) -> NewAttachment:
    return NewAttachment(
        attachment_id=message.attachment_id,
        organization_id=message.organization_id,
        project_id=message.project_id,
        event_id=message.event_id,
        name=without_nul(message.name),
        content_type=without_nul(message.content_type) if message.content_type else None,
        attachment_type=without_nul(message.attachment_type),
        size=message.size,
        sha1=message.sha1,
        blob_key=message.blob_key,
        received_at=message.received_at,
        deleted_at=deleted_at,
        deleted_reason=Reason.DELETED.value if deleted_at else None,
    )
