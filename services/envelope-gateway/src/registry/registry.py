"""What the routes work with: the database, changes that are published, passwords, time."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

from hearback_kit.clock import Clock
from hearback_kit.db import Connection, Database
from hearback_kit.limits import WindowLimits

from registry.passwords import Passwords
from registry.publishing import Publisher
from registry.settings import Settings
from registry.store import snapshots


@dataclass(slots=True)
class Change:
    """A transaction that changes something, and the names of the snapshots that change with it."""

    connection: Connection
    names: set[str] = field(default_factory=set)

    def touch(self, *names: str) -> None:
        """Note that snapshots change."""
        self.names.update(names)

    async def touch_organization(self, organization_id: int) -> None:
        """Note that an organization's own snapshots and those of its projects change."""
        self.names.update(await snapshots.names_of_organization(self.connection, organization_id))


@dataclass(frozen=True, slots=True)
class Registry:
    """Handed to every route by way of `app.state.registry`."""

    settings: Settings
    clock: Clock
    database: Database
    publisher: Publisher
    passwords: Passwords
    limits: WindowLimits

    def reading(self) -> AbstractAsyncContextManager[Connection]:
        """A connection to read with."""
        return self.database.connection()

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[Change]:
        """A transaction; what it touched is marked in it, and published as soon as it is committed."""
        async with self.database.transaction() as connection:
            change = Change(connection)
            yield change
            await snapshots.mark(connection, change.names)
        await self.publish(change.names)

    async def publish(self, names: Iterable[str]) -> None:
        """Publish committed changes now, or leave them to the worker while Valkey is away."""
        await self.publisher.publish_soon(sorted(names))
