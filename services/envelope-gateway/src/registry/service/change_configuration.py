"""Change the configuration: one audited transaction, published after its commit."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from hearback_contracts.audit import AuditEvent
from hearback_contracts.config import key_snapshot, organization_snapshot, project_snapshot
from hearback_kit.clock import Clock
from hearback_kit.db import Connection, Database
from hearback_kit.errors import Forbidden

from registry.domain.roles import scopes_beyond
from registry.service.publish_snapshots import Publisher
from registry.settings import Settings
from registry.store import audit_logs, snapshots
from registry.store.members import Member
from registry.store.organizations import Organization
from registry.store.tokens import Token


@dataclass(frozen=True, slots=True)
class Actor:
    """The actor of a change: an account (None: the operator), its label, and the client's address."""

    user_id: int | None
    label: str
    address: str | None = None


OPERATOR: Final = Actor(None, "operator")


@dataclass(frozen=True, slots=True)
class Authority:
    """A caller in an organization, with the caller's scopes there."""

    organization: Organization
    user_id: int
    scopes: frozenset[str]

    def check_role(self, role: str) -> None:
        """Raise Forbidden for a role that allows more than the caller's scopes, except `member`."""
        if role == "owner" and "org:admin" not in self.scopes:
            raise Forbidden("Only owners decide about owners.", code="owners_only")
        if missing := scopes_beyond(role, self.scopes):
            listed = ", ".join(sorted(missing))
            raise Forbidden(
                f'The role "{role}" has scopes that you do not have: {listed}.', code="role_beyond_scopes"
            )

    @property
    def only_user_id(self) -> int | None:
        """The account whose tokens the caller may see; None for all."""
        return None if "org:admin" in self.scopes else self.user_id

    def covers(self, token: Token) -> bool:
        """Return whether the caller may manage a token of the organization: one whose scopes the caller has."""
        return self.scopes.issuperset(token.scopes) and self.only_user_id in {None, token.user_id}


@dataclass(slots=True)
class Change:
    """A transaction by `actor`, started at `now`, and the names of the snapshots it changes."""

    connection: Connection
    actor: Actor
    now: datetime
    settings: Settings
    names: set[str] = field(default_factory=set)
    organization_ids: set[int] = field(default_factory=set)

    def touch_project(self, project_id: int, *public_keys: str) -> None:
        """Mark a project's configuration, and some of its keys, as changed."""
        self.names.update((project_snapshot(project_id), *map(key_snapshot, public_keys)))

    def touch_organization(self, organization_id: int, *slugs: str) -> None:
        """Mark an organization's configuration as changed, under its former slugs, too."""
        self.organization_ids.add(organization_id)
        self.names.update([organization_snapshot(organization_id), *map(organization_snapshot, slugs)])

    async def touch_everything_of(self, organization: Organization) -> None:
        """Mark an organization and all its projects as changed."""
        self.touch_organization(organization.id, organization.slug, *organization.former_slugs)
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


@dataclass(frozen=True, slots=True)
class Changes:
    """Starts changes by one actor."""

    database: Database
    publisher: Publisher
    clock: Clock
    settings: Settings
    actor: Actor = OPERATOR

    def by(self, user_id: int | None, label: str, address: str | None = None) -> "Changes":
        """Return the changes by another actor (see `Actor`)."""
        return replace(self, actor=Actor(user_id, label, address))

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Change]:
        """Start a change; it is committed when the block ends, then published, or left to the worker."""
        async with self.database.transaction() as connection:
            change = Change(connection, self.actor, self.clock.now(), self.settings)
            yield change
            if change.organization_ids:
                former = await snapshots.list_former_slugs(connection, change.organization_ids)
                change.names.update(map(organization_snapshot, former))
            await snapshots.mark(connection, change.names)
        await self.publisher.publish_soon(sorted(change.names))
