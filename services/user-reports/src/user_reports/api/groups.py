"""Error groups under the same `/issues/{id}/` paths as feedback: theirs are the odd ids."""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from hearback_contracts.config import OrganizationConfig
from hearback_fleet.access import (
    EVENT_READ,
    EVENT_WRITE,
    OrganizationScope,
    access_of,
    find_organization,
    organization_scope,
    principal_of,
    require,
)
from hearback_kit.errors import BadRequest, NotFound

from user_reports.api.bodies import parse_json, read_body
from user_reports.api.parameters import ID_MAX, OBJECT
from user_reports.api.place import Here, Place
from user_reports.api.shapes import event_json, group_json
from user_reports.store.queries.events import find_event
from user_reports.store.queries.groups import Group, find_group, set_status

STATUSES = ("unresolved", "resolved", "ignored")
_ORGANIZATION_PATH = "/api/0/organizations/{organization}/issues/{issue}/"
_LEGACY_PATH = "/api/0/issues/{issue}/"
_REFUSED: dict[int | str, dict[str, Any]] = {
    400: {"description": "The status is none.", "content": {"application/json": {"schema": OBJECT}}}
}
_STATUS_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "object", "properties": {"status": {"type": "string", "enum": list(STATUSES)}}}
            }
        },
    }
}


def parse_id(text: str) -> int:
    """A numeric id of a path; raises NotFound for what cannot be one."""
    if not (text.isascii() and text.isdigit()) or len(text) > 19 or int(text) > ID_MAX:
        raise NotFound
    return int(text)


async def find_own_group(here: Place, group_id: int, *organization_ids: int) -> Group:
    """A group of one of the organizations; raises NotFound."""
    async with here.database.connection() as connection:
        group = await find_group(connection, group_id)
    if group is None or group.organization_id not in organization_ids:
        raise NotFound
    return group


def router() -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["error groups"])
    _organization_routes(routes)
    _legacy_routes(routes)
    return routes


def _organization_routes(routes: APIRouter) -> None:
    @routes.get(_ORGANIZATION_PATH, operation_id="getErrorGroup", summary="An error group")
    async def get_group(
        here: Here, issue: str, scope: Annotated[OrganizationScope, organization_scope(*EVENT_READ)]
    ) -> JSONResponse:
        group = await find_own_group(here, parse_id(issue), scope.organization.id)
        return _answer(here, group, scope.organization)

    @routes.put(
        _ORGANIZATION_PATH,
        operation_id="updateErrorGroup",
        summary="Resolve, ignore or reopen an error group",
        openapi_extra=_STATUS_BODY,
        responses=_REFUSED,
    )
    async def put_group(
        request: Request,
        here: Here,
        issue: str,
        scope: Annotated[OrganizationScope, organization_scope(*EVENT_WRITE)],
    ) -> JSONResponse:
        group = await find_own_group(here, parse_id(issue), scope.organization.id)
        return _answer(here, await _update(request, here, group), scope.organization)

    @routes.get(
        _ORGANIZATION_PATH + "events/latest/",
        operation_id="getLatestErrorEvent",
        summary="The newest event of an error group",
    )
    async def get_latest(
        here: Here, issue: str, scope: Annotated[OrganizationScope, organization_scope(*EVENT_READ)]
    ) -> JSONResponse:
        group = await find_own_group(here, parse_id(issue), scope.organization.id)
        return await _latest(here, group, scope.organization)


def _legacy_routes(routes: APIRouter) -> None:
    @routes.get(_LEGACY_PATH, operation_id="getErrorGroupLegacy", summary="An error group (older path)")
    async def get_group(request: Request, here: Here, issue: str) -> JSONResponse:
        group, organization = await _find_legacy(request, here, issue, EVENT_READ)
        return _answer(here, group, organization)

    @routes.put(
        _LEGACY_PATH,
        operation_id="updateErrorGroupLegacy",
        summary="Resolve, ignore or reopen an error group (older path)",
        openapi_extra=_STATUS_BODY,
        responses=_REFUSED,
    )
    async def put_group(request: Request, here: Here, issue: str) -> JSONResponse:
        group, organization = await _find_legacy(request, here, issue, EVENT_WRITE)
        return _answer(here, await _update(request, here, group), organization)

    @routes.get(
        _LEGACY_PATH + "events/latest/",
        operation_id="getLatestErrorEventLegacy",
        summary="The newest event of an error group (older path)",
    )
    async def get_latest(request: Request, here: Here, issue: str) -> JSONResponse:
        group, organization = await _find_legacy(request, here, issue, EVENT_READ)
        return await _latest(here, group, organization)


async def _find_legacy(
    request: Request, here: Place, issue: str, scopes: tuple[str, ...]
) -> tuple[Group, OrganizationConfig]:
    principal = await principal_of(request)
    group = await find_own_group(here, parse_id(issue), *principal.tenants)
    require(principal, group.organization_id, scopes)
    return group, await find_organization(access_of(request), str(group.organization_id))


def _answer(here: Place, group: Group, organization: OrganizationConfig) -> JSONResponse:
    return JSONResponse(group_json(group, organization, here.settings.public_url))


async def _update(request: Request, here: Place, group: Group) -> Group:
    body = parse_json(await read_body(request, here.settings.body_bytes_max))
    if not isinstance(body, dict):
        raise BadRequest("Expected a JSON object.", code="invalid")
    if "status" not in body:
        return group
    if body["status"] not in STATUSES:
        raise BadRequest("Invalid status.", body={"status": [f'"{body["status"]}" is not a valid choice.']})
    async with here.database.transaction() as connection:
        await set_status(connection, group.id, body["status"], here.clock.now())
        return await find_group(connection, group.id) or group


async def _latest(here: Place, group: Group, organization: OrganizationConfig) -> JSONResponse:
    async with here.database.connection() as connection:
        event = await find_event(connection, group.project_id, group.latest_event_id)
    if event is None:
        raise NotFound
    return JSONResponse(event_json(event, organization.slug))
