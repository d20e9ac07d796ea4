"""What the routes and pages of the running app work with."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from hearback_fleet.quotas import ReportQuotas
from hearback_kit.clock import Clock
from hearback_kit.db import Connection, Database
from hearback_kit.limits import LimitBatches

from user_reports.domain.admission import AgeRules
from user_reports.service.context import ServiceContext
from user_reports.service.find_feedback import FeedbackLookup
from user_reports.settings import Settings


@dataclass(frozen=True, slots=True)
class AppState:
    """What the routes work with while the app runs."""

    settings: Settings
    context: ServiceContext
    limits: LimitBatches
    quotas: ReportQuotas
    feedback: FeedbackLookup
    rules: AgeRules

    @property
    def database(self) -> Database:
        """The service's database."""
        return self.context.database

    def reading(self, organization_id: int) -> AbstractAsyncContextManager[Connection]:
        """Return a connection for reading that counts against an organization's share of the pool.

        Entering it raises TooManyRequests when the organization has had its share for too long.
        """
        return self.context.database.connection(share=organization_id)

    @property
    def clock(self) -> Clock:
        return self.context.clock
