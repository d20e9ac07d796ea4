"""Projects and their options."""

from typing import Annotated, Any

from fastapi import APIRouter
from hearback_contracts.options import Option
from hearback_fleet.access import ORGANIZATION_READ, PROJECT_READ, PROJECT_WRITE, scopes_within
from pydantic import Field

from registry.api import serializers
from registry.api.deps import Authority, ChangesDep, PrincipalDep, StateDep, organization_scope, project_scope
from registry.api.params import Name, PagingDep, Platform, RequestBody, Slug
from registry.service import create_project as creating
from registry.service.update_project import update_project
from registry.store.projects import Project, list_projects

router = APIRouter(prefix="/api/0", tags=["projects"])


class NewProject(RequestBody):
    """A project to create; without a slug it gets one made from its name."""

    name: Name
    slug: Slug | None = None
    platform: Platform | None = None


class ProjectChange(RequestBody):
    """What to change; `options` is merged, `allowedDomains` is another name for `sentry:origins`."""

    name: Name | None = None
    slug: Slug | None = None
    platform: Platform | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    allowed_domains: list[str] | None = None


@router.get("/projects/", operation_id="listProjects", summary="List the projects of the caller's organizations")
async def list_own(state: StateDep, principal: PrincipalDep, paging: PagingDep) -> list[serializers.Project]:
    enough = (*ORGANIZATION_READ, *PROJECT_READ)
    readable = [tenant for tenant in principal.tenants if not scopes_within(principal, tenant).isdisjoint(enough)]
    rows = await state.database.read(list_projects, readable, paging.window)
    return paging.answer(rows, serializers.project)


@router.get(
    "/organizations/{organization}/projects/",
    operation_id="listOrganizationProjects",
    summary="List the projects of an organization",
)
async def list_all(
    scope: Annotated[Authority, organization_scope(*ORGANIZATION_READ, *PROJECT_READ)],
    state: StateDep,
    paging: PagingDep,
) -> list[serializers.Project]:
    rows = await state.database.read(list_projects, [scope.organization.id], paging.window)
    return paging.answer(rows, serializers.project)


@router.post(
    "/organizations/{organization}/projects/",
    operation_id="createProject",
    summary="Create a project with a first key",
    status_code=201,
)
async def create(
    scope: Annotated[Authority, organization_scope(*PROJECT_WRITE)],
    changes: ChangesDep,
    wanted: NewProject,
) -> serializers.Project:
    new = creating.NewProject(wanted.name, wanted.slug, wanted.platform)
    created = await creating.create_project(changes, scope.organization, new)
    return serializers.project(created)


@router.get(
    "/projects/{organization}/{project}/", operation_id="getProject", summary="Show a project and its options"
)
async def get(project: Annotated[Project, project_scope(*PROJECT_READ)]) -> serializers.Project:
    return serializers.project(project)


@router.put(
    "/projects/{organization}/{project}/",
    operation_id="updateProject",
    summary="Change a project or its options",
    description="`options` is merged. In force in every service within two seconds.",
)
async def update(
    project: Annotated[Project, project_scope(*PROJECT_WRITE)],
    changes: ChangesDep,
    wanted: ProjectChange,
) -> serializers.Project:
    options = dict(wanted.options)
    if wanted.allowed_domains is not None:
        options.setdefault(Option.ORIGINS.value, wanted.allowed_domains)
    values: dict[str, Any] = {
        name: getattr(wanted, name)
        for name in ("name", "slug", "platform")
        if name in wanted.model_fields_set and (getattr(wanted, name) is not None or name == "platform")
    }
    return serializers.project(await update_project(changes, project, values, options))
