"""What routes take from the app: its state, the organization's error group of a path, the sender of a report."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Path, Request, Response
from hearback_contracts.config import OrganizationConfig, ProjectConfig
from hearback_contracts.identifiers import Dsn
from hearback_fleet.access import (
    PROJECT_WRITE,
    Access,
    access_of,
    find_organization,
    find_project,
    principal_of,
    require,
)
from hearback_kit.clock import Clock
from hearback_kit.db import Database
from hearback_kit.errors import NotFound
from hearback_kit.limits import LimitBatches
from hearback_kit.values.addresses import TrustedProxies
from hearback_kit.values.ids import parse_id

from user_reports.domain.admission import AgeRules
from user_reports.errors import DsnNotEnough, InvalidDsn
from user_reports.service.context import ServiceContext
from user_reports.settings import Settings
from user_reports.store.groups import Group, find_group


@dataclass(frozen=True, slots=True)
class AppState:
    """What the routes work with while the app runs."""

    settings: Settings
    context: ServiceContext
    limits: LimitBatches
    proxies: TrustedProxies
    rules: AgeRules

    @property
    def database(self) -> Database:
        """The service's database."""
        return self.context.database

    @property
    def clock(self) -> Clock:
        """The clock."""
        return self.context.clock


def app_state(request: Request) -> AppState:
    """Return the running app's state."""
    state: AppState = request.app.state.state
    return state


StateDep = Annotated[AppState, Depends(app_state)]


@dataclass(frozen=True, slots=True)
class GroupScope:
    """An error group and the organization it belongs to, for a caller that the route allows."""

    group: Group
    organization: OrganizationConfig


def group_scope(*scopes: str) -> Any:
    """Dependency: the error group of the path, for callers with any of `scopes`.

    Under an organization's path the group must be the organization's, under the older path one of the caller's.
    """

    async def resolve(
        request: Request, state: StateDep, issue: Annotated[str, Path(description="Id of the error group.")]
    ) -> GroupScope:
        principal = await principal_of(request)
        access = access_of(request)
        organizations = list(principal.tenants)
        if "organization" in request.path_params:
            named = await find_organization(access, request.path_params["organization"])
            require(principal, named.id, scopes)
            organizations = [named.id]
        group = await find_own_group(state, parse_id(issue), organizations)
        require(principal, group.organization_id, scopes)
        return GroupScope(group, await find_organization(access, str(group.organization_id)))

    return Depends(resolve)


async def find_own_group(state: AppState, group_id: int | None, organization_ids: list[int]) -> Group:
    """Return a group of one of the organizations; raise NotFound."""
    if group_id is None:
        raise NotFound
    async with state.database.connection() as connection:
        group = await find_group(connection, group_id)
    if group is None or group.organization_id not in organization_ids:
        raise NotFound
    return group


@dataclass(frozen=True, slots=True)
class Sender:
    """The sender of a report into a project; `key_id` is set when it came with a DSN."""

    project: ProjectConfig
    key_id: int | None = None


def dsn_of(request: Request) -> str | None:
    """Return the DSN of an `Authorization: DSN …` header, or None without one."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "dsn" else None


async def sender_of(request: Request, organization: str, project: str) -> Sender:
    """Return the caller as the sender of a report into the project of the path.

    Raise Unauthorized, Forbidden or NotFound; InvalidDsn for a DSN that is unknown or switched off, DsnNotEnough
    for one of another project.
    """
    dsn = dsn_of(request)
    access = access_of(request)
    if dsn is not None:
        return await _sender_by_dsn(access, dsn, organization, project)
    principal = await principal_of(request)
    config = await find_organization(access, organization)
    require(principal, config.id, PROJECT_WRITE)
    return Sender(await find_project(access, config, project))


async def _sender_by_dsn(access: Access, text: str, organization: str, project: str) -> Sender:
    try:
        dsn = Dsn.parse(text)
    except ValueError as error:
        raise InvalidDsn from error
    config = await access.configuration.project_by_key(dsn.public_key)
    key = config.key(dsn.public_key) if config else None
    if config is None or key is None or not key.is_active:
        raise InvalidDsn
    try:
        named = await find_project(access, await find_organization(access, organization), project)
    except NotFound as error:
        raise DsnNotEnough from error
    if named.id != config.id or dsn.project_id != config.id:
        raise DsnNotEnough
    return Sender(config, key.id)


async def empty_answer(_request: Request, _error: Exception) -> Response:
    """Answer `DsnNotEnough`."""
    return Response(status_code=401)
