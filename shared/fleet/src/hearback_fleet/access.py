"""Who may see what: FastAPI dependencies that turn a path and credentials into a project or organization.

An organization or project that the caller does not belong to is 404, as if it were not there; a
missing scope is 403; no valid credentials are 401.
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
    """What the dependencies need; a service's lifespan puts it into `app.state.access`."""

    configuration: Configuration
    authenticator: Authenticator


def state_of(request: Request) -> Any:
    """Return what the service's `build` made (`app.state.state`)."""
    return request.app.state.state


async def app_state(request: Request) -> Any:
    """Return `state_of`, as a dependency: a coroutine, since FastAPI calls plain functions in threads."""
    return state_of(request)


async def signed(request: Request) -> None:
    """Raise Unauthorized unless a service of this fleet, or an operator's command, signed the request."""
    await require_signature(request, state_of(request).settings.secret_key.get_secret_value())


def internal_router(prefix: str = "") -> APIRouter:
    """Return a router for calls between services: each of its routes asks for a signature."""
    return APIRouter(prefix=prefix, tags=["internal"], dependencies=[Depends(refuse_unsigned), Depends(signed)])


def registry_introspection(client: ServiceClient) -> Any:
    """Ask the registry who holds a token or session (by its hash)."""

    async def introspect(kind: str, digest: str) -> dict[str, Any] | None:
        answer: dict[str, Any] | None = await client.get_json(f"/internal/introspect/{kind}/{digest}")
        return answer

    return introspect


def access_of(request: Request) -> Access:
    """The `Access` of the running app."""
    access: Access = request.app.state.access
    return access


@before_body
async def principal_of(request: Request) -> Principal:
    """The caller; raises Unauthorized without valid credentials."""
    principal = await access_of(request).authenticator.authenticate(request)
    if principal is None:
        raise Unauthorized
    return principal


def require(principal: Principal, organization_id: int, scopes: Iterable[str]) -> None:
    """Raise NotFound for a stranger to the organization, Forbidden without any of the scopes."""
    if organization_id not in principal.tenants:
        raise NotFound
    if scopes_within(principal, organization_id).isdisjoint(scopes):
        raise Forbidden


def scopes_within(principal: Principal, organization_id: int) -> frozenset[str]:
    """What the caller may do in an organization: its own scopes as far as its role there has them, too.

    One person can be an owner here and a plain member there, with one session for both.
    """
    return principal.scopes & scopes_of_role(principal.tenants.get(organization_id, ""))


@dataclass(frozen=True, slots=True)
class OrganizationScope:
    """A caller within an organization, allowed what the route needs."""

    principal: Principal
    organization: OrganizationConfig

    @property
    def scopes(self) -> frozenset[str]:
        """What the caller may do in the organization."""
        return scopes_within(self.principal, self.organization.id)

    def project_ids(self, wanted: list[str] | None) -> list[int]:
        """The organization's projects that `project=` parameters name by id or slug; all for none or `-1`.

        Raises Forbidden for a project that is not the organization's.
        """
        if not wanted or "-1" in wanted:
            return [project.id for project in self.organization.projects]
        found = [self.organization.find_project(name) for name in wanted]
        if any(project is None for project in found):
            raise Forbidden("You do not have access to one of the projects.", code="no_such_project")
        return [project.id for project in found if project is not None]


@dataclass(frozen=True, slots=True)
class ProjectScope:
    """A caller within a project, allowed what the route needs."""

    principal: Principal
    project: ProjectConfig

    @property
    def scopes(self) -> frozenset[str]:
        """What the caller may do in the project's organization."""
        return scopes_within(self.principal, self.project.organization_id)


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
    """The organization's configuration; raises NotFound."""
    return existing(await access.configuration.organization(id_or_slug))


async def find_project(access: Access, organization: OrganizationConfig, id_or_slug: str) -> ProjectConfig:
    """The configuration of one of the organization's projects; raises NotFound."""
    ref = organization.find_project(id_or_slug)
    config = await access.configuration.project(ref.id) if ref else None
    if config is None or config.organization_id != organization.id:
        raise NotFound
    return config
