"""Write to the audit log what callers changed in other services."""

from collections.abc import Sequence
from uuid import UUID

from hearback_contracts.audit import AuditEntryRecorded
from hearback_kit.db import Database
from hearback_kit.logs import get_logger

from registry.store.audit_logs import add_recorded

_log = get_logger(__name__)


async def record_audit_entries(database: Database, messages: Sequence[AuditEntryRecorded]) -> None:
    """Add each message's entry once, with the time of its change; raise ValueError if a message's id is no UUID.

    Entries of organizations that are gone are dropped: their logs went with them.
    """
    async with database.transaction() as connection:
        dropped = await add_recorded(connection, messages)
    for entry in messages:
        if UUID(entry.id) in dropped:
            _log.warning(
                "audit_entry_dropped",
                reason="the organization does not exist",
                organization=entry.organization_id,
                change=entry.event,
            )
