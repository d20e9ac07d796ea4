"""Reads `audit-entry.recorded`."""

from collections.abc import Sequence

from hearback_contracts.audit import AuditEntryRecorded
from hearback_fleet.messages import decode
from hearback_kit.bus import Incoming
from hearback_kit.db import Database

from registry.service.record_audit_entries import record_audit_entries


async def handle_audit_entry_recorded(database: Database, messages: Sequence[Incoming]) -> None:
    """Handle a batch."""
    await record_audit_entries(database, [decode(AuditEntryRecorded, message) for message in messages])
