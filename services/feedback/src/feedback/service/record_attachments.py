"""Record a batch of attachments, whether their event came before, comes later, or never."""

from collections.abc import Sequence

from hearback_contracts.events import AttachmentStored
from hearback_contracts.reasons import Reason
from hearback_fleet.unit_of_work import UnitOfWork
from hearback_kit.values.nul import without_nul

from feedback.metrics import ATTACHMENTS
from feedback.service.record_outcomes import record_attachment
from feedback.store.attachments import NewAttachment, find_deleted_events, record_attachments


class RecordAttachments:
    """Records attachments once per `attachment_id`; those of deleted feedback are recorded as deleted."""

    def __init__(self, unit_of_work: UnitOfWork) -> None:
        self._unit_of_work = unit_of_work

    async def __call__(self, batch: Sequence[AttachmentStored]) -> None:
        """Record all attachments of the batch and count those that are new, in one transaction."""
        messages = {message.attachment_id: message for message in batch}
        async with self._unit_of_work.begin() as work:
            keys = sorted({(message.project_id, message.event_id) for message in batch})
            deleted = await find_deleted_events(work.connection, keys, Reason.DELETED.value)
            rows = [self._row(message, (message.project_id, message.event_id) in deleted) for message in batch]
            new = await record_attachments(work.connection, rows, self._unit_of_work.clock.now())
            for attachment_id in new:
                record_attachment(work.record, messages[attachment_id])
        ATTACHMENTS.labels("recorded").inc(len(new))

    def _row(self, message: AttachmentStored, event_deleted: bool) -> NewAttachment:
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
            deleted_at=self._unit_of_work.clock.now() if event_deleted else None,
            deleted_reason=Reason.DELETED.value if event_deleted else None,
        )
