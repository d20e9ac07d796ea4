"""`attachment.stored`: records attachments, whether their event came before, comes later, or never."""

from collections.abc import Sequence
from typing import Any

from hearback_contracts.categories import DataCategory
from hearback_contracts.events import AttachmentStored
from hearback_contracts.outcomes import Outcome
from hearback_contracts.reasons import Reason
from hearback_fleet.messages import decode
from hearback_fleet.recording import Record
from hearback_kit.bus import Incoming, Outgoing
from hearback_kit.clock import Clock
from hearback_kit.db import Database
from hearback_kit.outbox import Outbox, OutboxRelay

from feedback.fates import SERVICE
from feedback.metrics import ATTACHMENTS
from feedback.settings import Settings
from feedback.store.attachments import find_deleted_events, record


class AttachmentStoredHandler:
    """Handles batches of `attachment.stored`; the natural key is `attachment_id`."""

    def __init__(
        self, database: Database, outbox: Outbox, relay: OutboxRelay, clock: Clock, settings: Settings
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._relay = relay
        self._clock = clock
        self._settings = settings

    async def __call__(self, batch: Sequence[Incoming]) -> None:
        """Record all attachments of the batch and count those that are new, in one transaction."""
        decoded = [decode(AttachmentStored, message) for message in batch]
        messages = {message.attachment_id: message for message in decoded}
        counts = Record(SERVICE, self._clock, self._settings.stream_shards)
        async with self._database.transaction() as connection:
            keys = sorted({(message.project_id, message.event_id) for message in messages.values()})
            deleted = await find_deleted_events(connection, keys, Reason.DELETED.value)
            rows = [self._row(message, (message.project_id, message.event_id) in deleted) for message in decoded]
            new = await record(connection, rows, self._clock.now())
            for attachment_id in new:
                _count(counts, messages[attachment_id])
            await self._outbox.add(connection, counts.messages())
        self._relay.wake()
        ATTACHMENTS.labels("recorded").inc(len(new))

    def _row(self, message: AttachmentStored, event_deleted: bool) -> dict[str, Any]:
        return {
            "attachment_id": message.attachment_id,
            "organization_id": message.organization_id,
            "project_id": message.project_id,
            "event_id": message.event_id,
            "name": _clean(message.name),
            "content_type": _clean(message.content_type) if message.content_type else None,
            "attachment_type": _clean(message.attachment_type),
            "size": message.size,
            "sha1": message.sha1,
            "blob_key": message.blob_key,
            "received_at": message.received_at,
            "deleted_at": self._clock.now() if event_deleted else None,
            "deleted_reason": Reason.DELETED.value if event_deleted else None,
        }


def nobody_to_tell(_message: Incoming, _error: str) -> Sequence[Outgoing]:
    """An attachment is no submission: a dead letter has no fate to tell."""
    return ()


def _clean(text: str) -> str:
    return text.replace("\0", "")


def _count(counts: Record, message: AttachmentStored) -> None:
    for category, quantity in ((DataCategory.ATTACHMENT, max(1, message.size)), (DataCategory.ATTACHMENT_ITEM, 1)):
        counts.outcome(
            organization_id=message.organization_id,
            project_id=message.project_id,
            key_id=message.key_id,
            category=category,
            outcome=Outcome.ACCEPTED,
            sdk=message.sdk,
            quantity=quantity,
            at=message.received_at,
        )
