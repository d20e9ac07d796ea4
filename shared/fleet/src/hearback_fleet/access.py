"""Authorization: FastAPI dependencies that resolve a path and credentials to a project or organization.

Without valid credentials they answer 401, for an organization or project of others 404, and without the scope 403.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from hearback_contracts.config import OrganizationConfig, ProjectConfig
from hearback_contracts.roles import scopes_of_role
from hearback_kit.api.bodies import before_body
from hearback_kit.auth import Authenticator, Principal
from hearback_kit.errors import Forbidden, NotFound, Unauthorized, existing
from hearback_kit.http import ServiceClient, refuse_unsigned, require_signature

from hearback_fleet.configuration import Configuration

# Any scope of a tuple is enough.
PROJECT_READ = ("project:read", "project:write", "project:admin")
PROJECT_WRITE = ("project:write", "project:admin")
EVENT_READ = ("event:read", "event:write", "event:admin")
EVENT_WRITE = ("event:write", "event:admin")
EVENT_DELETE = ("event:admin",)
ORGANIZATION_READ = ("org:read", "org:write", "org:admin")
ORGANIZATION_WRITE = ("org:write", "org:admin")


@dataclass(frozen=True, slots=True)
class Access:
    """The look-ups of the dependencies, set by the lifespan as `app.state.access`."""

    configuration: Configuration
    authenticator: Authenticator


def state_of(request: Request) -> Any:
    """Return the app's state, built by the service's `build` (`app.state.state`)."""
    return request.app.state.state


async def app_state(request: Request) -> Any:
    """Dependency: `state_of`, as a coroutine, since FastAPI runs plain functions in threads."""
    return state_of(request)


async def signed(request: Request) -> None:
    """Dependency: raise Unauthorized unless the request is signed by a service or the operator."""
    await require_signature(request, state_of(request).settings.secret_key.get_secret_value())


def internal_router(prefix: str = "") -> APIRouter:
    """Return a router for calls between services, whose routes require a signature."""
    return APIRouter(prefix=prefix, tags=["internal"], dependencies=[Depends(refuse_unsigned), Depends(signed)])


def registry_introspection(client: ServiceClient) -> Any:
    """Return the introspection of a token or session (by its hash) at the registry."""

    async def introspect(kind: str, digest: str) -> dict[str, Any] | None:
        answer: dict[str, Any] | None = await client.get_json(f"/internal/introspect/{kind}/{digest}")
        return answer

    return introspect


def access_of(request: Request) -> Access:
    """Return the `Access` of the app."""
    access: Access = request.app.state.access
    return access


@before_body
async def principal_of(request: Request) -> Principal:
    """Dependency: the caller; raise Unauthorized without valid credentials."""
    principal = await access_of(request).authenticator.authenticate(request)
    if principal is None:
        raise Unauthorized
    return principal


def require(principal: Principal, organization_id: int, scopes: Iterable[str]) -> None:
    """Raise NotFound if the caller is not in the organization, Forbidden without any of the scopes."""
    if organization_id not in principal.tenants:
        raise NotFound
    if scopes_within(principal, organization_id).isdisjoint(scopes):
        raise Forbidden


def scopes_within(principal: Principal, organization_id: int) -> frozenset[str]:
    """Return the caller's scopes in an organization: its own, limited by its role there.

    A person may be owner of one organization and member of another, with the same session.
    """
    return principal.scopes & scopes_of_role(principal.tenants.get(organization_id, ""))


@dataclass(frozen=True, slots=True)
class OrganizationScope:
    """An authorized caller and the organization."""

    principal: Principal
    organization: OrganizationConfig

    @property
    def scopes(self) -> frozenset[str]:
        """The caller's scopes in the organization."""
        return scopes_within(self.principal, self.organization.id)

    def may(self, enough: Iterable[str]) -> bool:
        """Return whether the caller has any of these scopes."""
        return not self.scopes.isdisjoint(enough)

    def project_ids(self, wanted: list[str] | None) -> list[int]:
        """Return the ids of projects given by id or slug as `project=`; all for none or `-1`.

        Raise Forbidden for a project of another organization.
        """
        if not wanted or "-1" in wanted:
            return [project.id for project in self.organization.projects]
        found = [self.organization.find_project(name) for name in wanted]
        if any(project is None for project in found):
            raise Forbidden("You do not have access to one of the projects.", code="no_such_project")
        return [project.id for project in found if project is not None]


@dataclass(frozen=True, slots=True)
class ProjectScope:
    """An authorized caller and the project."""

    principal: Principal
    project: ProjectConfig

    @property
    def scopes(self) -> frozenset[str]:
        """The caller's scopes in the project's organization."""
        return scopes_within(self.principal, self.project.organization_id)

    def may(self, enough: Iterable[str]) -> bool:
        """Return whether the caller has any of these scopes."""
        return not self.scopes.isdisjoint(enough)


def organization_scope(*scopes: str) -> Any:
    """Dependency: the organization of the path, for callers with any of `scopes`."""

    async def resolve(
        request: Request,
        principal: Annotated[Principal, Depends(principal_of)],
        organization: Annotated[str, Path(description="Slug or id of the organization.")],
    ) -> OrganizationScope:
        config = await find_organization(access_of(request), organization)
        require(principal, config.id, scopes)
        return OrganizationScope(principal, config)

    return Depends(resolve)


def project_scope(*scopes: str) -> Any:
    """Dependency: the project of the path, for callers with any of `scopes`."""

    async def resolve(
        request: Request,
        principal: Annotated[Principal, Depends(principal_of)],
        organization: Annotated[str, Path(description="Slug or id of the organization.")],
        project: Annotated[str, Path(description="Slug or id of the project.")],
    ) -> ProjectScope:
        access = access_of(request)
        config = await find_organization(access, organization)
        require(principal, config.id, scopes)
        return ProjectScope(principal, await find_project(access, config, project))

    return Depends(resolve)


async def find_organization(access: Access, id_or_slug: str) -> OrganizationConfig:
    """Return an organization's configuration; raise NotFound."""
    return existing(await access.configuration.organization(id_or_slug))


async def find_project(access: Access, organization: OrganizationConfig, id_or_slug: str) -> ProjectConfig:
    """Return the configuration of an organization's project; raise NotFound."""
    ref = organization.find_project(id_or_slug)
    config = await access.configuration.project(ref.id) if ref else None
    if config is None or config.organization_id != organization.id:
        raise NotFound
    return config
