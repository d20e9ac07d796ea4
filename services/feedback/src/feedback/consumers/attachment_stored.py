"""`attachment.stored`: attachments to be recorded. The natural key is `attachment_id`."""

from collections.abc import Sequence

from hearback_contracts.events import AttachmentStored
from hearback_fleet.messages import decode
from hearback_fleet.unit_of_work import UnitOfWork
from hearback_kit.bus import Incoming

from feedback.service.record_attachments import record_attachments


async def handle_attachment_stored(unit_of_work: UnitOfWork, batch: Sequence[Incoming]) -> None:
    """Record all attachments of the batch in one transaction; raise ValueError for an invalid message."""
    await record_attachments(unit_of_work, [decode(AttachmentStored, message) for message in batch])
