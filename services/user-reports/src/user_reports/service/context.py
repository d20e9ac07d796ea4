"""What every use case works with."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hearback_kit.clock import Clock
from hearback_kit.db import Connection, Database
from hearback_kit.outbox import Added

from user_reports.service.read_projects import Projects
from user_reports.service.record_outcomes import ReportRecorder


def _no_relay(_added: Added) -> None:
    """Do nothing: a relay in another process finds what is left in the table."""


@dataclass(frozen=True, slots=True)
class ServiceContext:
    """The database, the projects' configuration, the clock, and what publishes the outbox.

    `shards` is the number of shards of every stream; `publish` is given what committed.
    """

    database: Database
    projects: Projects
    clock: Clock
    shards: int
    publish: Callable[[Added], None] = _no_relay

    def recorder(self) -> ReportRecorder:
        return ReportRecorder(self.clock, self.shards)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[tuple[Connection, ReportRecorder]]:
        """Open a transaction whose recorder is written to the outbox before it commits."""
        recorder = self.recorder()
        async with self.database.transaction() as connection:
            yield connection, recorder
            added = await recorder.write(connection)
        self.publish(added)
