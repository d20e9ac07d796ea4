"""Transactions that publish outcomes, steps and messages through the outbox."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from hearback_kit.bus import Outgoing
from hearback_kit.clock import Clock
from hearback_kit.db import Connection, Database
from hearback_kit.outbox import Outbox, OutboxRelay

from hearback_fleet.recording import OutcomeRecorder
from hearback_fleet.runtime import ServiceRuntime


@dataclass(frozen=True, slots=True)
class Work:
    """An open transaction with its recorder and messages."""

    connection: Connection
    record: OutcomeRecorder
    clock: Clock
    shards: int
    messages: list[Outgoing] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class UnitOfWork:
    """Opens transactions for use cases."""

    service: str
    database: Database
    outbox: Outbox
    relay: OutboxRelay
    clock: Clock
    shards: int

    @classmethod
    def of(cls, runtime: ServiceRuntime, **others: Any) -> Self:
        """Build it on a runtime; `others` are fields of a subclass."""
        return cls(
            runtime.settings.service,
            runtime.database,
            runtime.outbox,
            runtime.relay,
            runtime.clock,
            runtime.shards,
            **others,
        )

    def recorder(self) -> OutcomeRecorder:
        """Return a recorder whose messages the caller publishes otherwise."""
        return OutcomeRecorder(self.service, self.clock, self.shards)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Work]:
        """Open a transaction; its outcomes, steps and messages are published if and only if it commits."""
        record = self.recorder()
        async with self.database.transaction() as connection:
            work = Work(connection, record, self.clock, self.shards)
            yield work
            added = await self.outbox.add(connection, [*record.messages(), *work.messages])
        self.relay.publish(added)
