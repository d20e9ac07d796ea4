"""Add what a caller changed in another service to the audit log."""

from hearback_fleet.audit import AuditEntry
from hearback_kit.errors import existing

from registry.service.change_configuration import Actor, Changes
from registry.store.organizations import find_organization


async def add_audit_entry(changes: Changes, entry: AuditEntry) -> None:
    """Add an entry, at the time of now; raise NotFound for an organization that is none."""
    async with changes.begin(Actor(entry.actor_id, entry.actor_label, entry.address)) as change:
        existing(await find_organization(change.connection, str(entry.organization_id)))
        await change.audit(entry.event, entry.organization_id, target=entry.target, **entry.data)
