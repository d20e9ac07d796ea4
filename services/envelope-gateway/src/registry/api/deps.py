"""What routes take from the running app: its state, the caller, and the organization or project of the path.

The registry reads its own tables instead of the published configuration, so that the next request sees a change,
and everything works while Valkey is unavailable.
"""

from typing import Annotated, Any

from fastapi import Depends
from hearback_fleet.access import app_state, principal_of, require, scopes_within
from hearback_kit.api.params import AddressDep
from hearback_kit.auth import Principal
from hearback_kit.db import Connection
from hearback_kit.errors import existing

from registry.api.params import OrganizationName, ProjectName
from registry.service.app_state import AppState
from registry.service.change_configuration import Authority, Changes
from registry.store.organizations import Organization, find_organization
from registry.store.projects import Project, find_project

StateDep = Annotated[AppState, Depends(app_state)]
PrincipalDep = Annotated[Principal, Depends(principal_of)]


async def changes_of(state: StateDep, principal: PrincipalDep, address: AddressDep) -> Changes:
    """Return what starts changes by the caller."""
    return state.changes.by(int(principal.id), principal.email or "", address)


ChangesDep = Annotated[Changes, Depends(changes_of)]


def organization_scope(*scopes: str) -> Any:
    """Return a dependency: the organization of the path, for callers with any of `scopes`."""

    async def resolve(state: StateDep, principal: PrincipalDep, organization: OrganizationName) -> Authority:
        async with state.database.connection() as connection:
            found = await _organization(connection, principal, organization, scopes)
        return Authority(found, int(principal.id), scopes_within(principal, found.id))

    return Depends(resolve)


def project_scope(*scopes: str) -> Any:
    """Return a dependency: the project of the path, for callers with any of `scopes`."""

    async def resolve(
        state: StateDep, principal: PrincipalDep, organization: OrganizationName, project: ProjectName
    ) -> Project:
        async with state.database.connection() as connection:
            owner = await _organization(connection, principal, organization, scopes)
            return existing(await find_project(connection, owner.id, project))

    return Depends(resolve)


async def _organization(
    connection: Connection, principal: Principal, name: str, scopes: tuple[str, ...]
) -> Organization:
    found = existing(await find_organization(connection, name))
    require(principal, found.id, scopes)
    return found
