"""What routes take from the app."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from hearback_contracts.config import OrganizationConfig, ProjectConfig
from hearback_fleet.access import (
    EVENT_DELETE,
    EVENT_READ,
    EVENT_WRITE,
    OrganizationScope,
    ProjectScope,
    app_state,
    organization_scope,
    project_scope,
)
from hearback_kit.errors import existing

from feedback.api.serializers import SerializerContext
from feedback.domain.feedback import Feedback
from feedback.service.app_state import AppState

StateDep = Annotated[AppState, Depends(app_state)]
OrganizationReader = Annotated[OrganizationScope, organization_scope(*EVENT_READ)]


@dataclass(frozen=True, slots=True)
class OneProjectScope(OrganizationScope):
    """An organization scope narrowed to one project."""

    project_id: int

    def project_ids(self, wanted: list[str] | None) -> list[int]:
        """Return the project unless `project=` parameters exclude it; raise as for an organization."""
        return [found for found in OrganizationScope.project_ids(self, wanted) if found == self.project_id]


async def read_project(
    state: StateDep, scope: Annotated[ProjectScope, project_scope(*EVENT_READ)]
) -> OneProjectScope:
    """Return the scope of the project in the path; raise NotFound."""
    organization = existing(await state.configuration.organization(scope.project.organization_id))
    return OneProjectScope(scope.principal, organization, scope.project.id)


ProjectReader = Annotated[OneProjectScope, Depends(read_project)]
OrganizationWriter = Annotated[OrganizationScope, organization_scope(*EVENT_WRITE)]
OrganizationDeleter = Annotated[OrganizationScope, organization_scope(*EVENT_DELETE)]


async def serializer_context(
    state: AppState,
    organization: OrganizationConfig,
    rows: Iterable[Feedback],
    with_attachments: Iterable[int] = (),
) -> SerializerContext:
    """Return what serializing this feedback needs: its projects and the organization's members."""
    projects: dict[int, ProjectConfig] = {}
    for project_id in {row.project_id for row in rows}:
        project = await state.configuration.project(project_id)
        if project is not None:
            projects[project_id] = project
    return SerializerContext(organization, projects, state.settings.public_url, frozenset(with_attachments))
