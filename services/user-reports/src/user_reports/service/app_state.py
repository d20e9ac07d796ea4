"""What use cases, routes and pages work with."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from hearback_fleet.quotas import ReportQuotas
from hearback_fleet.unit_of_work import UnitOfWork, Work
from hearback_kit.db import Connection
from hearback_kit.limits import LimitBatches

from user_reports.domain.admission import AgeRules, ProjectPolicy
from user_reports.service.find_feedback import FeedbackLookup
from user_reports.service.read_projects import Projects
from user_reports.service.record_outcomes import ReportRecorder
from user_reports.settings import Settings


@dataclass(frozen=True, slots=True)
class Transaction:
    """An open transaction that began at `now`; `policies` are those of its reports' projects."""

    work: Work
    connection: Connection
    recorder: ReportRecorder
    policies: Mapping[int, ProjectPolicy]
    now: datetime


@dataclass(frozen=True, slots=True)
class ServiceContext(UnitOfWork):
    """What every use case works with: the service's transactions, and the projects' configuration."""

    projects: Projects

    @asynccontextmanager
    async def transaction(self, policies: Mapping[int, ProjectPolicy] | None = None) -> AsyncIterator[Transaction]:
        """Open a transaction whose recorder is written to the outbox before it commits."""
        async with self.begin() as work:
            yield Transaction(work, work.connection, ReportRecorder(work), policies or {}, self.clock.now())


@dataclass(frozen=True, slots=True)
class AppState(ServiceContext):
    """What the routes and pages work with while the app runs."""

    settings: Settings
    limits: LimitBatches
    quotas: ReportQuotas
    feedback: FeedbackLookup
    rules: AgeRules
