"""What routes take from the app."""

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Annotated, Self

from fastapi import Depends, Request
from hearback_contracts.config import OrganizationConfig, ProjectConfig
from hearback_fleet.access import (
    EVENT_DELETE,
    EVENT_READ,
    EVENT_WRITE,
    OrganizationScope,
    ProjectScope,
    organization_scope,
    project_scope,
)
from hearback_fleet.configuration import Configuration
from hearback_fleet.runtime import ServiceRuntime
from hearback_kit.blobs import BlobStore
from hearback_kit.bus.hurry import Hurries
from hearback_kit.clock import Clock
from hearback_kit.db import Connection, Database
from hearback_kit.errors import NotFound
from hearback_kit.values.addresses import TrustedProxies

from feedback.api.serializers import SerializerContext
from feedback.domain.feedback import Feedback
from feedback.domain.spam_classifier import Prior
from feedback.service.ask_fleet import Fleet
from feedback.service.find_error_events import ErrorEventIndex, ErrorEvents
from feedback.service.judge_spam import load_prior
from feedback.service.make_thumbnail import Thumbnails
from feedback.service.select_feedback import SelectFeedback
from feedback.service.unit_of_work import UnitOfWork
from feedback.service.watch_changes import LiveChanges
from feedback.settings import Settings


@dataclass(frozen=True, slots=True)
class AppState:
    """The parts of the running app that routes use; the lifespan makes it."""

    settings: Settings
    configuration: Configuration
    unit_of_work: UnitOfWork
    blobs: BlobStore
    thumbnails: Thumbnails
    error_events: ErrorEvents
    select: SelectFeedback
    spam_prior: Prior | None
    fleet: Fleet
    live: LiveChanges
    proxies: TrustedProxies
    hurries: Hurries

    @classmethod
    def of(cls, runtime: ServiceRuntime, settings: Settings) -> Self:
        """Put the state together."""
        thumbnails = Thumbnails(
            pixels_max=settings.image_pixels_max,
            side=settings.thumbnail_pixels,
            at_once_max=settings.images_at_once_max,
        )
        return cls(
            settings,
            runtime.configuration,
            UnitOfWork.of(runtime),
            runtime.blobs,
            thumbnails,
            ErrorEventIndex.of(runtime, settings),
            SelectFeedback(runtime.database, runtime.configuration, settings),
            load_prior(),
            Fleet.of(runtime, settings),
            LiveChanges.of(runtime, settings),
            settings.address_reader(),
            runtime.hurries,
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
        """Open a connection for a search: of them, one organization gets no more than its share.

        Raises TooManyRequests when none becomes free in time.
        """
        return self.database.connection(share=organization.id)

    async def serializer_context(
        self, organization: OrganizationConfig, rows: Iterable[Feedback], with_attachments: Iterable[int] = ()
    ) -> SerializerContext:
        """Return what the JSON of these feedback needs: their projects and the organization's members."""
        projects: dict[int, ProjectConfig] = {}
        for project_id in {row.project_id for row in rows}:
            project = await self.configuration.project(project_id)
            if project is not None:
                projects[project_id] = project
        return SerializerContext(organization, projects, self.settings.public_url, frozenset(with_attachments))


def app_state(request: Request) -> AppState:
    """Return the state of the running app."""
    state: AppState = request.app.state.state
    return state


async def read_state(request: Request) -> AppState:
    """Return the state of the running app; a coroutine, as other dependencies are called in threads."""
    return app_state(request)


StateDep = Annotated[AppState, Depends(read_state)]
OrganizationReader = Annotated[OrganizationScope, organization_scope(*EVENT_READ)]


@dataclass(frozen=True, slots=True)
class OneProjectScope(OrganizationScope):
    """A caller within an organization of which only one project is meant."""

    project_id: int

    def project_ids(self, wanted: list[str] | None) -> list[int]:
        """Return the project if `project=` parameters leave it, else nothing; raises as for the organization."""
        return [found for found in OrganizationScope.project_ids(self, wanted) if found == self.project_id]


async def read_project(
    state: StateDep, scope: Annotated[ProjectScope, project_scope(*EVENT_READ)]
) -> OneProjectScope:
    """Return the project of the path as a part of its organization; raises NotFound."""
    organization = await state.configuration.organization(scope.project.organization_id)
    if organization is None:
        raise NotFound
    return OneProjectScope(scope.principal, organization, scope.project.id)


ProjectReader = Annotated[OneProjectScope, Depends(read_project)]
OrganizationWriter = Annotated[OrganizationScope, organization_scope(*EVENT_WRITE)]
OrganizationDeleter = Annotated[OrganizationScope, organization_scope(*EVENT_DELETE)]
