"""Write to the audit log what callers changed in other services."""

from collections.abc import Sequence
from uuid import UUID

from hearback_contracts.audit import AuditEntryRecorded
from hearback_kit.db import Database
from hearback_kit.logs import get_logger

from registry.store.audit_logs import RecordedEntry, add_recorded

_log = get_logger(__name__)


async def record_audit_entries(database: Database, messages: Sequence[AuditEntryRecorded]) -> None:
    """Add each message's entry once, with the time of its change; raise ValueError if a message's id is no UUID.

    Entries of organizations that are gone are dropped: their logs went with them.
    """
    entries = [_entry(message) for message in messages]
    async with database.transaction() as connection:
        dropped = await add_recorded(connection, entries)
    for entry in entries:
        if entry.message_id in dropped:
            _log.warning(
                "audit_entry_dropped",
                reason="the organization does not exist",
                organization=entry.organization_id,
                change=entry.event,
            )


def _entry(message: AuditEntryRecorded) -> RecordedEntry:
    return RecordedEntry(
        message_id=UUID(message.id),
        organization_id=message.organization_id,
        event=message.event,
        actor_id=message.actor_id,
        actor_label=message.actor_label,
        address=message.address,
        target_object=message.target,
        data=message.data,
        created_at=message.occurred_at,
    )
