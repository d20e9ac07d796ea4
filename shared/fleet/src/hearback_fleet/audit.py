"""Add to an organization's audit log, which the registry keeps, what a caller changed in another service.

An entry is added before the change is committed: what cannot be recorded is not changed.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from fastapi import Request
from hearback_contracts.audit import AuditEvent
from hearback_kit.api.params import client_address
from hearback_kit.auth import Principal
from hearback_kit.errors import Unavailable
from hearback_kit.http import ServiceClient
from hearback_kit.values.ids import ID_MAX
from pydantic import BaseModel, Field

AUDIT_LOG_PATH: Final = "/internal/audit-logs"
ANSWER_SECONDS_MAX: Final = 1.0
"""The transaction of the change holds its locks until the registry has answered."""


class AuditEntry(BaseModel, frozen=True):
    """A change by a caller; `data` fills the event's note and must not hold secrets."""

    event: AuditEvent
    organization_id: int = Field(ge=1, le=ID_MAX)
    actor_id: int = Field(ge=1, le=ID_MAX)
    actor_label: str
    address: str | None
    target: int | None = Field(None, ge=0, le=ID_MAX)
    data: dict[str, Any]


class AuditLog(Protocol):
    """The audit log of all organizations."""

    async def add(self, entry: AuditEntry) -> None:
        """Add an entry; raise Unavailable."""


class RegistryAuditLog:
    """The audit log, at the registry."""

    def __init__(self, registry: ServiceClient) -> None:
        self._registry = registry

    async def add(self, entry: AuditEntry) -> None:
        """Add an entry; raise Unavailable."""
        body = entry.model_dump_json().encode()
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                answer = await self._registry.request("POST", AUDIT_LOG_PATH, body=body)
        except TimeoutError as error:
            raise Unavailable("the audit log did not answer in time") from error
        if answer.status_code != 204:
            raise Unavailable(f"the audit log answered {answer.status_code}")


@dataclass(frozen=True, slots=True)
class Audit:
    """Adds changes by one caller of an organization to its audit log."""

    log: AuditLog
    organization_id: int
    caller: Principal
    address: str | None

    async def __call__(self, event: AuditEvent, target: int | None = None, /, **data: Any) -> None:
        """Add a change; call it in the transaction of the change. Raise Unavailable."""
        await self.log.add(
            AuditEntry(
                event=event,
                organization_id=self.organization_id,
                actor_id=int(self.caller.id),
                actor_label=self.caller.email or "",
                address=self.address,
                target=target,
                data=data,
            )
        )


async def audit_of(request: Request, caller: Principal, organization_id: int) -> Audit:
    """Return what adds the changes of a request to the audit log of an organization."""
    log: AuditLog = request.app.state.audit_log
    return Audit(log, organization_id, caller, await client_address(request))


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the old and new value of each name in `after` that differs."""
    return {
        name: {"old": before.get(name), "new": value} for name, value in after.items() if before.get(name) != value
    }
