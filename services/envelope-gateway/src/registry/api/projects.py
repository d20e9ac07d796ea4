"""Routes: projects and their options."""

from typing import Annotated, Any

from fastapi import APIRouter
from hearback_contracts.config import key_snapshot, organization_snapshot, project_snapshot
from hearback_fleet.access import (
    ORGANIZATION_READ,
    PROJECT_READ,
    PROJECT_WRITE,
    scopes_within,
)
from hearback_kit.auth import Principal
from hearback_kit.errors import BadRequest
from hearback_kit.ids import random_id

from registry.api import schemas
from registry.api.deps import (
    InOrganization,
    InProject,
    PagingOf,
    PrincipalOf,
    RegistryOf,
    in_organization,
    in_project,
)
from registry.domain.options import check_options, with_defaults
from registry.domain.slugs import is_slug, slug_of
from registry.errors import LimitReached, SlugTaken
from registry.registry import Change, Registry
from registry.store import organizations, projects

_ORIGINS = "sentry:origins"


def project_answer(row: Any) -> schemas.Project:
    """A project as the API shows it."""
    options = with_defaults(row.options)
    return schemas.Project(
        id=str(row.id),
        slug=row.slug,
        name=row.name,
        platform=row.platform,
        date_created=row.created_at,
        status="active",
        is_member=True,
        has_access=True,
        has_feedbacks=row.has_feedbacks,
        has_new_feedbacks=row.has_new_feedbacks,
        allowed_domains=options[_ORIGINS],
        options=options,
        features=[],
        organization=schemas.OrganizationRef(
            id=str(row.organization_id), slug=row.organization_slug, name=row.organization_name
        ),
    )


def list_routes() -> APIRouter:
    """Routes that list and create projects."""
    router = APIRouter(tags=["projects"])

    @router.get(
        "/projects/", operation_id="listProjects", summary="The projects of all the caller's organizations"
    )
    async def list_own(registry: RegistryOf, principal: PrincipalOf, paging: PagingOf) -> list[schemas.Project]:
        readable = [tenant for tenant in principal.tenants if _may_read(principal, tenant)]
        async with registry.reading() as connection:
            page = await projects.list_projects(connection, readable, paging.position, paging.limit)
        return [project_answer(row) for row in paging.rows(page)]

    @router.get(
        "/organizations/{organization}/projects/",
        operation_id="listOrganizationProjects",
        summary="The projects of an organization",
    )
    async def list_all(
        scope: Annotated[InOrganization, in_organization(*ORGANIZATION_READ, *PROJECT_READ)],
        registry: RegistryOf,
        paging: PagingOf,
    ) -> list[schemas.Project]:
        async with registry.reading() as connection:
            page = await projects.list_projects(connection, [scope.organization.id], paging.position, paging.limit)
        return [project_answer(row) for row in paging.rows(page)]

    @router.post(
        "/organizations/{organization}/projects/",
        operation_id="createProject",
        summary="Create a project with a first key",
        status_code=201,
    )
    async def create(
        scope: Annotated[InOrganization, in_organization(*PROJECT_WRITE)],
        registry: RegistryOf,
        wanted: schemas.NewProject,
    ) -> schemas.Project:
        slug = wanted.slug or slug_of(wanted.name)
        if slug is None or not is_slug(slug):
            raise BadRequest(_SLUG_RULE, code="invalid_slug")
        async with registry.changing() as change:
            project_id = await create_project(
                registry, change, scope.organization, slug, wanted.name, wanted.platform
            )
            row = await projects.find_project(change.connection, scope.organization.id, str(project_id))
        return project_answer(row)

    return router


def project_routes() -> APIRouter:
    """Routes of one project."""
    router = APIRouter(tags=["projects"])

    @router.get(
        "/projects/{organization}/{project}/", operation_id="getProject", summary="A project and its options"
    )
    async def get(scope: Annotated[InProject, in_project(*PROJECT_READ)]) -> schemas.Project:
        return project_answer(scope.project)

    @router.put(
        "/projects/{organization}/{project}/",
        operation_id="updateProject",
        summary="Change a project or its options",
        description="`options` is merged. In force in every service within two seconds.",
    )
    async def update(
        scope: Annotated[InProject, in_project(*PROJECT_WRITE)],
        registry: RegistryOf,
        wanted: schemas.ProjectChange,
    ) -> schemas.Project:
        options = _wanted_options(wanted)
        values: dict[str, Any] = {
            name: getattr(wanted, name)
            for name in ("name", "slug", "platform")
            if name in wanted.model_fields_set and (getattr(wanted, name) is not None or name == "platform")
        }
        async with registry.changing() as change:
            await _change(change, scope.project, values, options)
            row = await projects.find_project(
                change.connection, scope.project.organization_id, str(scope.project.id)
            )
        return project_answer(row)

    return router


_SLUG_RULE = "Slugs are lower-case letters, digits, _ and -, and not only digits."


def _may_read(principal: Principal, organization_id: int) -> bool:
    return not scopes_within(principal, organization_id).isdisjoint((*ORGANIZATION_READ, *PROJECT_READ))


def _wanted_options(wanted: schemas.ProjectChange) -> dict[str, Any]:
    options = dict(wanted.options)
    if wanted.allowed_domains is not None and _ORIGINS not in options:
        options[_ORIGINS] = wanted.allowed_domains
    try:
        check_options(options)
    except ValueError as error:
        raise BadRequest(str(error), code="invalid_options") from error
    return options


async def _change(change: Change, project: Any, values: dict[str, Any], options: dict[str, Any]) -> None:
    slug = values.get("slug", project.slug)
    if slug != project.slug:
        if not is_slug(slug):
            raise BadRequest(_SLUG_RULE, code="invalid_slug")
        await organizations.lock_creation(change.connection)
        if await projects.find_project(change.connection, project.organization_id, slug) is not None:
            raise SlugTaken
        _touch_lists(change, project.organization_id, project.organization_slug)
    await projects.change_project(change.connection, project.id, values, options)
    change.touch(project_snapshot(project.id))


def _touch_lists(change: Change, organization_id: int, slug: str) -> None:
    change.touch(organization_snapshot(organization_id), organization_snapshot(slug))


async def create_project(
    registry: Registry, change: Change, organization: Any, slug: str, name: str, platform: str | None = None
) -> int:
    """Create a project with a first key; its id. Raises SlugTaken and LimitReached."""
    connection, now = change.connection, registry.clock.now()
    await organizations.lock_creation(connection)
    if await projects.count_projects(connection, organization.id) >= registry.settings.projects_max:
        raise LimitReached(f"An organization may have {registry.settings.projects_max} projects.")
    project_id = await projects.add_project(connection, organization.id, slug, name, platform, now)
    if project_id is None:
        raise SlugTaken
    public = random_id()
    await projects.add_key(connection, project_id, "Default", public, random_id(), now)
    change.touch(project_snapshot(project_id), key_snapshot(public))
    _touch_lists(change, organization.id, organization.slug)
    return project_id
