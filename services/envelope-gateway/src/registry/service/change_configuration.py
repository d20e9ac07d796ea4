"""Changes: one transaction, whose effects on the configuration are published as soon as it is committed."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from hearback_contracts.config import key_snapshot, organization_snapshot, project_snapshot
from hearback_kit.clock import Clock
from hearback_kit.db import Connection, Database

from registry.service.publish_snapshots import Publisher
from registry.store import snapshots
from registry.store.organizations import Organization


@dataclass(slots=True)
class Change:
    """A transaction begun at `now`, and the names of the snapshots that it changes."""

    connection: Connection
    now: datetime
    names: set[str] = field(default_factory=set)

    def touch_project(self, project_id: int, *public_keys: str) -> None:
        """Note that a project's configuration changes, and which of its keys come, go or change."""
        self.names.update((project_snapshot(project_id), *map(key_snapshot, public_keys)))

    def touch_organization(self, organization_id: int, slug: str) -> None:
        """Note that an organization's flags, projects or members change."""
        self.names.update((organization_snapshot(organization_id), organization_snapshot(slug)))

    async def touch_everything_of(self, organization: Organization) -> None:
        """Note that what an organization and all its projects publish changes."""
        self.touch_organization(organization.id, organization.slug)
        for project_id in await snapshots.list_project_ids(self.connection, organization.id):
            self.touch_project(project_id)


class Changes:
    """Begins changes."""

    def __init__(self, database: Database, publisher: Publisher, clock: Clock) -> None:
        self._database = database
        self._publisher = publisher
        self._clock = clock

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Change]:
        """Begin a change; when the block ends it is committed, and then published or left to the worker."""
        async with self._database.transaction() as connection:
            change = Change(connection, self._clock.now())
            yield change
            await snapshots.mark(connection, change.names)
        await self._publish(change.names)

    async def _publish(self, names: Iterable[str]) -> None:
        await self._publisher.publish_soon(sorted(names))
