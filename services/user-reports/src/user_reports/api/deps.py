"""What routes take from the app: its state, the error group of the path, the sender of a report."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Path, Request, Response
from hearback_contracts.config import OrganizationConfig, ProjectConfig
from hearback_contracts.identifiers import Dsn
from hearback_fleet.access import (
    EVENT_READ,
    EVENT_WRITE,
    PROJECT_WRITE,
    Access,
    access_of,
    app_state,
    find_organization,
    find_project,
    principal_of,
    require,
)
from hearback_kit.errors import NotFound
from hearback_kit.values.ids import parse_id

from user_reports.domain.short_ids import is_feedback_id
from user_reports.errors import DsnNotEnough, InvalidDsn
from user_reports.service.app_state import AppState
from user_reports.service.find_groups import GroupScope, find_own_group

StateDep = Annotated[AppState, Depends(app_state)]
IssueParam = Annotated[str, Path(description="Id of the issue, or its short id.")]


def group_scope(*scopes: str, or_feedback: bool = False) -> Any:
    """Dependency: the error group of the path, for callers with any of `scopes`.

    Under an organization's path the group must belong to it, under the legacy path to one of the caller's
    organizations. With `or_feedback` it is None for the id of a feedback, which is not looked up.
    """

    async def resolve(request: Request, state: StateDep, issue: IssueParam) -> GroupScope | None:
        organizations = await _find_organizations(request, scopes)
        if or_feedback and is_feedback_id(issue):
            return None
        group, organization = await find_own_group(state.database, issue, organizations)
        principal = await principal_of(request)
        require(principal, organization.id, scopes)
        return GroupScope(group, organization, parse_id(principal.id))

    return Depends(resolve)


ReadGroup = Annotated[GroupScope, group_scope(*EVENT_READ)]
ReadIssue = Annotated[GroupScope | None, group_scope(*EVENT_READ, or_feedback=True)]
WriteGroup = Annotated[GroupScope, group_scope(*EVENT_WRITE)]


async def _find_organizations(request: Request, scopes: Sequence[str]) -> list[OrganizationConfig]:
    """Return the organization of the path if the caller has any of `scopes`, else all of the caller's."""
    principal = await principal_of(request)
    access = access_of(request)
    if "organization" not in request.path_params:
        found = [await access.configuration.organization(tenant) for tenant in principal.tenants]
        return [organization for organization in found if organization is not None]
    named = await find_organization(access, request.path_params["organization"])
    require(principal, named.id, scopes)
    return [named]


@dataclass(frozen=True, slots=True)
class Sender:
    """The sender of a report to a project; `key_id` is set when it authenticated with a DSN."""

    project: ProjectConfig
    key_id: int | None = None


def dsn_of(request: Request) -> str | None:
    """Return the DSN of an `Authorization: DSN …` header, or None without one."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "dsn" else None


async def sender_of(request: Request, organization: str, project: str) -> Sender:
    """Authenticate the sender of a report to the project of the path.

    Raise Unauthorized, Forbidden or NotFound; InvalidDsn for an unknown or inactive DSN, DsnNotEnough for one of
    another project.
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
    if config is None or key is None:
        raise InvalidDsn
    sender = Sender(config, key.id)
    if not key.is_active:
        raise InvalidDsn(sender)
    try:
        named = await find_project(access, await find_organization(access, organization), project)
    except NotFound as error:
        raise DsnNotEnough(sender) from error
    if named.id != config.id or dsn.project_id != config.id:
        raise DsnNotEnough(sender)
    return sender


async def empty_answer(_request: Request, _error: Exception) -> Response:
    """Answer `DsnNotEnough`."""
    return Response(status_code=401)
