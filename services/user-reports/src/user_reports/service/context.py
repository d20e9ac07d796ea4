"""What every use case works with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hearback_fleet.unit_of_work import UnitOfWork
from hearback_kit.db import Connection

from user_reports.service.read_projects import Projects
from user_reports.service.record_outcomes import ReportRecorder


@dataclass(frozen=True, slots=True)
class ServiceContext(UnitOfWork):
    """The service's transactions, and the projects' configuration."""

    projects: Projects

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[tuple[Connection, ReportRecorder]]:
        """Open a transaction whose recorder is written to the outbox before it commits."""
        async with self.begin() as work:
            yield work.connection, ReportRecorder.of(work)
