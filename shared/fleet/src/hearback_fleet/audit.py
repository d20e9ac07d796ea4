"""Add to an organization's audit log, which the registry keeps, what a caller changed in another service.

An entry is a message of the change's transaction: it is there if and only if the change is, however long the
registry is away.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Depends, Request
from hearback_contracts.audit import AuditEntryRecorded, AuditEvent
from hearback_contracts.streams import AUDIT_ENTRY_RECORDED
from hearback_kit.api.params import client_address
from hearback_kit.auth import Principal
from hearback_kit.values.ids import new_id

from hearback_fleet.access import OrganizationScope, ProjectScope
from hearback_fleet.messages import outgoing
from hearback_fleet.unit_of_work import Work


@dataclass(frozen=True, slots=True)
class Audit:
    """Adds changes by one caller of an organization to its audit log."""

    organization_id: int
    caller: Principal
    address: str | None

    def __call__(
        self, work: Work, event: AuditEvent, project_id: int, target: int | None = None, /, **data: Any
    ) -> None:
        """Add a change to its transaction; `data` fills the event's note and must not hold secrets.

        The entry takes the shard of `project_id`, the project of what was changed.
        """
        entry = AuditEntryRecorded(
            id=new_id(),
            occurred_at=work.clock.now(),
            project_id=project_id,
            organization_id=self.organization_id,
            event=event,
            actor_id=int(self.caller.id),
            actor_label=self.caller.email or "",
            address=self.address,
            target=target,
            data=data,
        )
        work.messages.append(outgoing(AUDIT_ENTRY_RECORDED, entry, work.shards))


async def audit_of(request: Request, scope: OrganizationScope | ProjectScope) -> Audit:
    """Return what adds the changes of a request by an authorized caller to the organization's audit log."""
    organization_id = (
        scope.organization.id if isinstance(scope, OrganizationScope) else scope.project.organization_id
    )
    return Audit(organization_id, scope.principal, await client_address(request))


def audit_by(scope: Any) -> Any:
    """Dependency: `audit_of` for the caller that the dependency `scope` authorizes."""

    async def resolve(request: Request, caller: scope) -> Audit:
        return await audit_of(request, caller)

    return Depends(resolve)


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the old and new value of each name in `after` that differs."""
    return {
        name: {"old": before.get(name), "new": value} for name, value in after.items() if before.get(name) != value
    }
