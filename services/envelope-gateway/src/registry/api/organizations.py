"""Organizations and their flags."""

from typing import Annotated, Any

from fastapi import APIRouter
from hearback_fleet.access import ORGANIZATION_READ, ORGANIZATION_WRITE
from pydantic import Field

from registry.api import serializers
from registry.api.deps import Authority, ChangesDep, PrincipalDep, StateDep, organization_scope
from registry.api.params import Name, PagingDep, RequestBody, Slug
from registry.service.update_organization import update_organization
from registry.store.organizations import list_organizations

router = APIRouter(prefix="/api/0/organizations", tags=["organizations"])


class OrganizationChange(RequestBody):
    """What to change; `features` is merged into the flags that are set."""

    name: Name | None = None
    slug: Slug | None = None
    features: dict[str, Any] = Field(default_factory=dict)


@router.get("/", operation_id="listOrganizations", summary="List the caller's organizations")
async def list_own(state: StateDep, principal: PrincipalDep, paging: PagingDep) -> list[serializers.Organization]:
    rows = await state.database.read(list_organizations, list(principal.tenants), paging.window)
    return paging.answer(rows, serializers.organization)


@router.get("/{organization}/", operation_id="getOrganization", summary="Show an organization and its flags")
async def get(
    scope: Annotated[Authority, organization_scope(*ORGANIZATION_READ)],
) -> serializers.Organization:
    return serializers.organization(scope.organization)


@router.put(
    "/{organization}/",
    operation_id="updateOrganization",
    summary="Change an organization or its flags",
    description="`features` is merged. In force in every service within two seconds.",
)
async def update(
    scope: Annotated[Authority, organization_scope(*ORGANIZATION_WRITE)],
    changes: ChangesDep,
    wanted: OrganizationChange,
) -> serializers.Organization:
    given = {"name": wanted.name, "slug": wanted.slug}
    values = {name: value for name, value in given.items() if value is not None}
    changed = await update_organization(changes, scope.organization, values, wanted.features)
    return serializers.organization(changed)
