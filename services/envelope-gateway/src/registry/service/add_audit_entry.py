"""Add to the audit log what a caller changed in another service of the release before.

Services of this release send `audit-entry.recorded` instead; the next release gives this up.
"""

from typing import Any

from hearback_contracts.audit import AuditEvent
from hearback_kit.errors import existing
from hearback_kit.values.ids import ID_MAX
from pydantic import BaseModel, Field

from registry.service.change_configuration import Changes
from registry.store.organizations import find_organization


class AuditEntry(BaseModel, frozen=True):
    """A change by a caller; `data` fills the event's note and must not hold secrets."""

    event: AuditEvent
    organization_id: int = Field(ge=1, le=ID_MAX)
    actor_id: int = Field(ge=1, le=ID_MAX)
    actor_label: str
    address: str | None
    target: int | None = Field(None, ge=0, le=ID_MAX)
    data: dict[str, Any]


async def add_audit_entry(changes: Changes, entry: AuditEntry) -> None:
    """Add an entry, at the time of now; raise NotFound for an organization that is none."""
    async with changes.by(entry.actor_id, entry.actor_label, entry.address).begin() as change:
        existing(await find_organization(change.connection, str(entry.organization_id)))
        await change.audit(entry.event, entry.organization_id, target=entry.target, **entry.data)
