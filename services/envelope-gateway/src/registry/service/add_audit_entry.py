"""Add what a caller changed in another service to the audit log."""

from hearback_fleet.audit import AuditEntry

from registry.service.change_configuration import Actor, Changes


async def add_audit_entry(changes: Changes, entry: AuditEntry) -> None:
    """Add an entry, at the time of now."""
    async with changes.begin(Actor(entry.actor_id, entry.actor_label, entry.address)) as change:
        await change.audit(entry.event, entry.organization_id, target=entry.target, **entry.data)
