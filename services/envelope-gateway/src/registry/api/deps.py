"""Dependencies of the registry's routes: who asks, in which organization or project, which page.

The registry reads its own tables instead of the published configuration, so that a change is seen by
the very next request and everything works while Valkey is away.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request, Response
from hearback_fleet.access import require, scopes_within
from hearback_kit.auth import Authenticator, Principal
from hearback_kit.db import Connection
from hearback_kit.errors import BadRequest, NotFound, Unauthorized
from hearback_kit.pages import decode_cursor, encode_cursor, link_header

from registry.registry import Registry
from registry.store.organizations import find_organization
from registry.store.pages import Page, Position
from registry.store.projects import find_project

ID_MAX = (1 << 63) - 1
PAGE_ROWS_MAX = 100


def registry_of(request: Request) -> Registry:
    """The `Registry` of the running app."""
    registry: Registry = request.app.state.registry
    return registry


async def principal_of(request: Request) -> Principal:
    """The caller; raises Unauthorized without valid credentials."""
    authenticator: Authenticator = request.app.state.authenticator
    principal = await authenticator.authenticate(request)
    if principal is None:
        raise Unauthorized
    return principal


RegistryOf = Annotated[Registry, Depends(registry_of)]
PrincipalOf = Annotated[Principal, Depends(principal_of)]
OrganizationName = Annotated[str, Path(description="Slug or id of the organization.")]
ProjectName = Annotated[str, Path(description="Slug or id of the project.")]


@dataclass(frozen=True, slots=True)
class InOrganization:
    """A caller within an organization (its row), allowed what the route needs."""

    principal: Principal
    organization: Any

    @property
    def scopes(self) -> frozenset[str]:
        """What the caller may do in this organization."""
        return scopes_within(self.principal, self.organization.id)

    @property
    def user_id(self) -> int:
        """The user behind the caller's token or session."""
        return int(self.principal.id)


@dataclass(frozen=True, slots=True)
class InProject:
    """A caller within a project (its row, with its organization's), allowed what the route needs."""

    principal: Principal
    project: Any


async def organization_for(
    connection: Connection, principal: Principal, name: str, scopes: tuple[str, ...]
) -> Any:
    """The row of an organization; raises NotFound and Forbidden."""
    found = await find_organization(connection, name)
    if found is None:
        raise NotFound
    require(principal, found.id, scopes)
    return found


def in_organization(*scopes: str) -> Any:
    """Dependency: the organization of the path, for callers with any of `scopes`."""

    async def resolve(
        registry: RegistryOf, principal: PrincipalOf, organization: OrganizationName
    ) -> InOrganization:
        async with registry.reading() as connection:
            return InOrganization(principal, await organization_for(connection, principal, organization, scopes))

    return Depends(resolve)


def in_project(*scopes: str) -> Any:
    """Dependency: the project of the path, for callers with any of `scopes`."""

    async def resolve(
        registry: RegistryOf, principal: PrincipalOf, organization: OrganizationName, project: ProjectName
    ) -> InProject:
        async with registry.reading() as connection:
            owner = await organization_for(connection, principal, organization, scopes)
            found = await find_project(connection, owner.id, project)
        if found is None:
            raise NotFound
        return InProject(principal, found)

    return Depends(resolve)


def id_of(text: str) -> int:
    """A numeric id from a path; raises NotFound for anything else."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise NotFound
    return int(text)


class Paging:
    """Dependency: which page is asked for, and the `Link` header that leads on."""

    def __init__(
        self,
        request: Request,
        response: Response,
        registry: RegistryOf,
        cursor: Annotated[str | None, Query(description="From a Link header.", max_length=200)] = None,
        per_page: Annotated[int, Query(description="Rows of a page.", ge=1, le=PAGE_ROWS_MAX)] = PAGE_ROWS_MAX,
    ) -> None:
        self._url = registry.settings.public_url.rstrip("/") + request.url.path
        self._query = request.url.query
        self._headers = response.headers
        self.limit = per_page
        self.position = _position(cursor)

    def rows(self, page: Page) -> list[Any]:
        """The rows of a page; sets the header."""
        first, last = (page.rows[0].id, page.rows[-1].id) if page.rows else (None, None)
        self._headers["Link"] = link_header(
            self._url,
            self._query,
            previous=None if first is None else encode_cursor([first], backward=True),
            has_previous=page.has_previous and bool(page.rows),
            following=None if last is None else encode_cursor([last]),
            has_next=page.has_next and bool(page.rows),
        )
        return page.rows


def _position(cursor: str | None) -> Position | None:
    decoded = decode_cursor(cursor, 1)
    if decoded is None:
        return None
    (row_id,), backward = decoded
    if not isinstance(row_id, int) or isinstance(row_id, bool) or not 0 <= row_id <= ID_MAX:
        raise BadRequest("Invalid cursor parameter.", code="invalid_cursor")
    return Position(row_id, backward)


PagingOf = Annotated[Paging, Depends()]
