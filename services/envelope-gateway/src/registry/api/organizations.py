"""Routes: organizations, their flags, their projects."""

from typing import Annotated, Any

from fastapi import APIRouter
from hearback_contracts.config import organization_snapshot
from hearback_fleet.access import ORGANIZATION_READ, ORGANIZATION_WRITE
from hearback_kit.errors import BadRequest

from registry.api import schemas
from registry.api.deps import InOrganization, PagingOf, PrincipalOf, RegistryOf, in_organization
from registry.domain.options import check_features, features_with_defaults
from registry.domain.slugs import is_slug
from registry.errors import SlugTaken
from registry.registry import Change
from registry.store import organizations


def organization_answer(row: Any) -> schemas.Organization:
    """An organization as the API shows it."""
    return schemas.Organization(
        id=str(row.id),
        slug=row.slug,
        name=row.name,
        date_created=row.created_at,
        status={"id": "active", "name": "active"},
        features=features_with_defaults(row.features),
    )


def organization_routes() -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["organizations"])

    @router.get("/organizations/", operation_id="listOrganizations", summary="The caller's organizations")
    async def list_own(
        registry: RegistryOf, principal: PrincipalOf, paging: PagingOf
    ) -> list[schemas.Organization]:
        async with registry.reading() as connection:
            page = await organizations.list_organizations(
                connection, list(principal.tenants), paging.position, paging.limit
            )
        return [organization_answer(row) for row in paging.rows(page)]

    @router.get(
        "/organizations/{organization}/", operation_id="getOrganization", summary="An organization and its flags"
    )
    async def get(
        scope: Annotated[InOrganization, in_organization(*ORGANIZATION_READ)],
    ) -> schemas.Organization:
        return organization_answer(scope.organization)

    @router.put(
        "/organizations/{organization}/",
        operation_id="updateOrganization",
        summary="Change an organization or its flags",
        description="`features` is merged. In force in every service within two seconds.",
    )
    async def update(
        scope: Annotated[InOrganization, in_organization(*ORGANIZATION_WRITE)],
        registry: RegistryOf,
        wanted: schemas.OrganizationChange,
    ) -> schemas.Organization:
        try:
            check_features(wanted.features)
        except ValueError as error:
            raise BadRequest(str(error), code="invalid_features") from error
        values = {"name": wanted.name} if wanted.name is not None else {}
        async with registry.changing() as change:
            if wanted.slug not in {None, scope.organization.slug}:
                values["slug"] = await _free_slug(change, str(wanted.slug))
            await change.touch_organization(scope.organization.id)
            row = await organizations.change_organization(
                change.connection, scope.organization.id, values, wanted.features
            )
            change.touch(organization_snapshot(row.slug))
        return organization_answer(row)

    return router


async def _free_slug(change: Change, slug: str) -> str:
    if not is_slug(slug):
        raise BadRequest(
            "Slugs are lower-case letters, digits, _ and -, and not only digits.", code="invalid_slug"
        )
    await organizations.lock_creation(change.connection)
    if await organizations.find_organization(change.connection, slug) is not None:
        raise SlugTaken
    return slug
