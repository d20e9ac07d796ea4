"""Authorization of pages: by browser session, for the organization or project of the path.

Requests without a session are redirected to sign-in; non-members get 404, members without the scope 403.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from fastapi import Depends, Path
from hearback_contracts.config import OrganizationConfig, ProjectConfig
from hearback_fleet.access import OrganizationScope, ProjectScope, require, scopes_within
from hearback_kit.api.bodies import before_body
from hearback_kit.auth import Authenticator, Principal
from hearback_kit.errors import NotFound, Unauthorized
from starlette.requests import Request

from hearback_web.context import Account, OrganizationLink

ORGANIZATIONS_SHOWN_MAX = 50


class SignInRequired(Unauthorized):
    """Sign in to see this page."""


class Directory(Protocol):
    """Looks up organizations and projects, in the published configuration or the registry's tables."""

    async def organization_for(self, id_or_slug: int | str, email: str) -> OrganizationConfig | None:
        """Return an organization or None; its `members` may be only the one with `email`."""

    async def organizations_for(self, ids: Sequence[int], email: str) -> Sequence[OrganizationConfig]:
        """Return the existing ones of the organizations, as `organization_for` does."""

    async def project(self, project_id: int) -> ProjectConfig | None:
        """Return a project by id, or None."""


class PageAccess(Protocol):
    """The lookups that authorization needs, such as `hearback_fleet.access.Access`."""

    @property
    def configuration(self) -> Directory: ...
    @property
    def authenticator(self) -> Authenticator: ...


def page_access(request: Request) -> PageAccess:
    """Return the app's lookups."""
    access: PageAccess = request.app.state.access
    return access


@before_body
async def page_principal(request: Request) -> Principal:
    """Return the principal of the browser's session; raise SignInRequired without one.

    Pages do not accept API tokens.
    """
    if "authorization" in request.headers:
        raise SignInRequired
    principal = await page_access(request).authenticator.person(request)
    if principal is None:
        raise SignInRequired
    return principal


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A signed-in person, in no particular organization."""

    principal: Principal
    account: Account


@dataclass(frozen=True, slots=True)
class PageScope(OrganizationScope):
    """A person authorized for an organization's page."""

    account: Account


@dataclass(frozen=True, slots=True)
class ProjectPageScope(ProjectScope):
    """A person authorized for a project's page."""

    organization: OrganizationConfig
    account: Account

    @property
    def settings_path(self) -> str:
        """The path of the project's settings."""
        return f"/settings/{self.organization.slug}/projects/{self.project.slug}/"


async def signed_in(request: Request, principal: Annotated[Principal, Depends(page_principal)]) -> SignedIn:
    """Return the signed-in person; raise SignInRequired without a session."""
    links, account = [], _account(principal, None)
    shown = sorted(principal.tenants)[:ORGANIZATIONS_SHOWN_MAX]
    for organization in await page_access(request).configuration.organizations_for(shown, principal.email or ""):
        links.append(OrganizationLink(organization.slug, organization.name))
        account = account if account.name else _account(principal, organization)
    request.state.page_account = account
    request.state.page_organizations = tuple(sorted(links, key=lambda link: link.name.lower()))
    return SignedIn(principal, account)


SignedInDep = Annotated[SignedIn, Depends(signed_in)]


def page_scope(*scopes: str) -> Any:
    """Dependency: the organization of the path as a `PageScope`, for members with any of `scopes`."""

    async def resolve(
        request: Request, person: SignedInDep, organization: Annotated[str, Path(max_length=200)]
    ) -> PageScope:
        found = await _enter(request, person.principal, organization, scopes)
        return PageScope(person.principal, found, request.state.page_account)

    return Depends(resolve)


def project_page_scope(*scopes: str) -> Any:
    """Dependency: the project of the path as a `ProjectPageScope`, for members with any of `scopes`."""

    async def resolve(
        request: Request,
        person: SignedInDep,
        organization: Annotated[str, Path(max_length=200)],
        project: Annotated[str, Path(max_length=200)],
    ) -> ProjectPageScope:
        found = await _enter(request, person.principal, organization, scopes)
        ref = found.find_project(project)
        config = await page_access(request).configuration.project(ref.id) if ref else None
        if config is None or config.organization_id != found.id:
            raise NotFound
        return ProjectPageScope(person.principal, config, found, request.state.page_account)

    return Depends(resolve)


async def _enter(
    request: Request, principal: Principal, id_or_slug: str, scopes: Iterable[str]
) -> OrganizationConfig:
    configuration = page_access(request).configuration
    organization = await configuration.organization_for(id_or_slug, principal.email or "")
    if organization is None or organization.id not in principal.tenants:
        raise NotFound
    request.state.page_account = _account(principal, organization)
    request.state.page_organization = organization
    request.state.page_scopes = scopes_within(principal, organization.id)
    require(principal, organization.id, scopes)
    return organization


def _account(principal: Principal, organization: OrganizationConfig | None) -> Account:
    email = principal.email or ""
    members = organization.members if organization else ()
    name = next((member.name for member in members if member.email.lower() == email.lower()), None)
    return Account(principal.id, email, name)
