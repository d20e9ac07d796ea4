"""What routes take from the running app: its state, the caller, and the organization or project of the path.

The registry reads its own tables instead of the published configuration, so that the next request sees a change,
and everything works while Valkey is unavailable.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends
from hearback_fleet.access import app_state, principal_of, require, scopes_within
from hearback_kit.api.params import AddressDep
from hearback_kit.auth import Principal
from hearback_kit.db import Connection, Database
from hearback_kit.errors import existing

from registry.api.params import OrganizationName, ProjectName
from registry.service.app_state import AppState
from registry.service.change_configuration import Actor
from registry.store.organizations import Organization, find_organization
from registry.store.projects import Project, find_project

StateDep = Annotated[AppState, Depends(app_state)]


async def database_of(state: StateDep) -> Database:
    """Return the registry's database."""
    return state.database


DatabaseDep = Annotated[Database, Depends(database_of)]
PrincipalDep = Annotated[Principal, Depends(principal_of)]


def actor_of(principal: PrincipalDep, address: AddressDep) -> Actor:
    """Return the caller as the actor of a change."""
    return Actor(int(principal.id), principal.email or "", address)


ActorDep = Annotated[Actor, Depends(actor_of)]


@dataclass(frozen=True, slots=True)
class OrganizationScope:
    """A caller within an organization, allowed what the route needs."""

    principal: Principal
    organization: Organization

    @property
    def scopes(self) -> frozenset[str]:
        """What the caller may do in this organization."""
        return scopes_within(self.principal, self.organization.id)

    @property
    def user_id(self) -> int:
        """The account behind the caller's token or session."""
        return int(self.principal.id)


def organization_scope(*scopes: str) -> Any:
    """Return a dependency: the organization of the path, for callers with any of `scopes`."""

    async def resolve(
        database: DatabaseDep, principal: PrincipalDep, organization: OrganizationName
    ) -> OrganizationScope:
        async with database.connection() as connection:
            return OrganizationScope(principal, await _organization(connection, principal, organization, scopes))

    return Depends(resolve)


def project_scope(*scopes: str) -> Any:
    """Return a dependency: the project of the path, for callers with any of `scopes`."""

    async def resolve(
        database: DatabaseDep, principal: PrincipalDep, organization: OrganizationName, project: ProjectName
    ) -> Project:
        async with database.connection() as connection:
            owner = await _organization(connection, principal, organization, scopes)
            return existing(await find_project(connection, owner.id, project))

    return Depends(resolve)


async def _organization(
    connection: Connection, principal: Principal, name: str, scopes: tuple[str, ...]
) -> Organization:
    found = existing(await find_organization(connection, name))
    require(principal, found.id, scopes)
    return found
