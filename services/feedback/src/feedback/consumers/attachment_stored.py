"""`attachment.stored`: attachments to be recorded. The natural key is `attachment_id`."""

from collections.abc import Sequence
from typing import Self

from hearback_contracts.events import AttachmentStored
from hearback_fleet.messages import decode
from hearback_fleet.runtime import ServiceRuntime
from hearback_fleet.unit_of_work import UnitOfWork
from hearback_kit.bus import Incoming

from feedback.service.record_attachments import RecordAttachments


class AttachmentStoredHandler:
    """Handles batches of `attachment.stored`."""

    def __init__(self, record: RecordAttachments) -> None:
        self._record = record

    @classmethod
    def of(cls, runtime: ServiceRuntime) -> Self:
        """Put the handler together."""
        return cls(RecordAttachments(UnitOfWork.of(runtime)))

    async def __call__(self, batch: Sequence[Incoming]) -> None:
        """Record all attachments of the batch in one transaction; raises ValueError for what is no message."""
        await self._record([decode(AttachmentStored, message) for message in batch])
