"""Change the configuration: one audited transaction, published after its commit."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from hearback_contracts.audit import AuditEvent
from hearback_contracts.config import key_snapshot, organization_snapshot, project_snapshot
from hearback_kit.clock import Clock
from hearback_kit.db import Connection, Database

from registry.service.publish_snapshots import Publisher
from registry.store import audit_logs, snapshots
from registry.store.members import Member
from registry.store.organizations import Organization


@dataclass(frozen=True, slots=True)
class Actor:
    """The actor of a change: an account (None: the operator), its label, and the client's address."""

    user_id: int | None
    label: str
    address: str | None = None


OPERATOR: Final = Actor(None, "operator")


@dataclass(slots=True)
class Change:
    """A transaction by `actor`, started at `now`, and the names of the snapshots it changes."""

    connection: Connection
    actor: Actor
    now: datetime
    names: set[str] = field(default_factory=set)

    def touch_project(self, project_id: int, *public_keys: str) -> None:
        """Mark a project's configuration, and some of its keys, as changed."""
        self.names.update((project_snapshot(project_id), *map(key_snapshot, public_keys)))

    def touch_organization(self, organization_id: int, slug: str) -> None:
        """Mark an organization's configuration as changed."""
        self.names.update((organization_snapshot(organization_id), organization_snapshot(slug)))

    async def touch_everything_of(self, organization: Organization) -> None:
        """Mark an organization and all its projects as changed."""
        self.touch_organization(organization.id, organization.slug)
        for project_id in await snapshots.list_project_ids(self.connection, organization.id):
            self.touch_project(project_id)

    async def audit(
        self,
        event: AuditEvent,
        organization_id: int,
        *,
        target: int | None = None,
        target_user_id: int | None = None,
        **data: Any,
    ) -> None:
        """Add an entry to the organization's audit log; `data` fills its note and must not hold secrets."""
        await audit_logs.add_entry(
            self.connection,
            organization_id=organization_id,
            event=event,
            actor_id=self.actor.user_id,
            actor_label=self.actor.label,
            address=self.actor.address,
            target_object=target,
            target_user_id=target_user_id,
            data=data,
            created_at=self.now,
        )

    async def audit_member(self, event: AuditEvent, member: Member, **data: Any) -> None:
        """Add an entry about a member or an invitation to the organization's audit log."""
        await self.audit(event, member.organization_id, target=member.id, target_user_id=member.user_id, **data)


class Changes:
    """Starts changes."""

    def __init__(self, database: Database, publisher: Publisher, clock: Clock) -> None:
        self._database = database
        self._publisher = publisher
        self._clock = clock

    @asynccontextmanager
    async def begin(self, actor: Actor) -> AsyncIterator[Change]:
        """Start a change; it is committed when the block ends, then published, or left to the worker."""
        async with self._database.transaction() as connection:
            change = Change(connection, actor, self._clock.now())
            yield change
            await snapshots.mark(connection, change.names)
        await self._publisher.publish_soon(sorted(change.names))
