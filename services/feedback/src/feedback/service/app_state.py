"""What the routes and pages of the running app work with."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Self

from hearback_contracts.config import OrganizationConfig
from hearback_fleet.configuration import Configuration
from hearback_fleet.runtime import ServiceRuntime
from hearback_fleet.unit_of_work import UnitOfWork
from hearback_kit.blobs import BlobStore
from hearback_kit.bus.read_barrier import ReadBarrier
from hearback_kit.clock import Clock
from hearback_kit.db import Connection, Database

from feedback.domain.spam_classifier import Prior
from feedback.service.ask_fleet import Fleet
from feedback.service.find_error_events import ErrorEventIndex
from feedback.service.judge_spam import load_prior
from feedback.service.make_thumbnail import Thumbnails
from feedback.service.select_feedback import SelectFeedback
from feedback.service.watch_changes import LiveChanges
from feedback.settings import Settings


@dataclass(frozen=True, slots=True)
class AppState:
    """What the routes and pages work with while the app runs (`app.state.state`)."""

    settings: Settings
    configuration: Configuration
    unit_of_work: UnitOfWork
    blobs: BlobStore
    thumbnails: Thumbnails
    error_events: ErrorEventIndex
    select: SelectFeedback
    spam_prior: Prior | None
    fleet: Fleet
    live: LiveChanges
    read_barrier: ReadBarrier

    @classmethod
    def of(cls, runtime: ServiceRuntime, settings: Settings) -> Self:
        """Build the state."""
        return cls(
            settings,
            runtime.configuration,
            UnitOfWork.of(runtime),
            runtime.blobs,
            Thumbnails(settings),
            ErrorEventIndex.of(runtime, settings),
            SelectFeedback(runtime.database, runtime.configuration, settings),
            load_prior(),
            Fleet.of(runtime, settings),
            LiveChanges.of(runtime, settings),
            runtime.read_barrier,
        )

    @property
    def database(self) -> Database:
        """The service's database."""
        return self.unit_of_work.database

    @property
    def clock(self) -> Clock:
        """The service's clock."""
        return self.unit_of_work.clock

    def reading(self, organization: OrganizationConfig) -> AbstractAsyncContextManager[Connection]:
        """Return a connection for reading that counts against the organization's share of the pool.

        Entering it raises TooManyRequests when none becomes free in time.
        """
        return self.database.connection(share=organization.id)
