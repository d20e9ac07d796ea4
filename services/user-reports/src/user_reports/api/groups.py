"""Error groups under the same `/issues/{id}/` paths as feedback: theirs are the odd ids."""

from collections.abc import Callable
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from hearback_fleet.access import EVENT_READ, EVENT_WRITE
from hearback_kit.errors import BadRequest, NotFound

from user_reports.api.deps import AppState, GroupScope, StateDep, group_scope
from user_reports.api.reports.bodies import parse_json
from user_reports.api.serializers import event_json, group_json
from user_reports.service.triage_groups import change_status
from user_reports.store.events import find_event

STATUSES: Final = ("unresolved", "resolved", "ignored")
router = APIRouter(tags=["error groups"])
_ORGANIZATION_PARAMETER: Final[dict[str, Any]] = {
    "name": "organization",
    "in": "path",
    "required": True,
    "description": "Slug or id of the organization.",
    "schema": {"type": "string"},
}
_OBJECT: Final = {"application/json": {"schema": {"type": "object"}}}
_STATUS_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "object", "properties": {"status": {"type": "string", "enum": list(STATUSES)}}}
            }
        },
    }
}
_Endpoint = Callable[..., Any]


def at_issue(
    method: str, suffix: str, *, operation_id: str, summary: str, openapi_extra: Any = None, responses: Any = None
) -> Callable[[_Endpoint], _Endpoint]:
    """Register a route under an organization's issues and under the older path without the organization."""
    extra = openapi_extra or {}

    def register(endpoint: _Endpoint) -> _Endpoint:
        router.add_api_route(
            f"/api/0/organizations/{{organization}}/issues/{{issue}}/{suffix}",
            endpoint,
            methods=[method],
            operation_id=operation_id,
            summary=summary,
            openapi_extra={**extra, "parameters": [_ORGANIZATION_PARAMETER]},
            responses=responses,
        )
        router.add_api_route(
            f"/api/0/issues/{{issue}}/{suffix}",
            endpoint,
            methods=[method],
            operation_id=f"{operation_id}Legacy",
            summary=f"{summary} (older path)",
            openapi_extra=extra,
            responses=responses,
        )
        return endpoint

    return register


ReadGroup = Annotated[GroupScope, group_scope(*EVENT_READ)]
WriteGroup = Annotated[GroupScope, group_scope(*EVENT_WRITE)]


@at_issue("GET", "", operation_id="getErrorGroup", summary="An error group")
async def get_group(state: StateDep, scope: ReadGroup) -> JSONResponse:
    """Return an error group."""
    return _answer(state, scope)


@at_issue(
    "PUT",
    "",
    operation_id="updateErrorGroup",
    summary="Resolve, ignore or reopen an error group",
    openapi_extra=_STATUS_BODY,
    responses={400: {"description": "The status is not one of the three.", "content": _OBJECT}},
)
async def put_group(request: Request, state: StateDep, scope: WriteGroup) -> JSONResponse:
    """Change the status of an error group; other fields are ignored."""
    body = parse_json(await request.body())
    if not isinstance(body, dict):
        raise BadRequest("Expected a JSON object.", code="invalid")
    if "status" not in body:
        return _answer(state, scope)
    if body["status"] not in STATUSES:
        raise BadRequest("Invalid status.", body={"status": [f'"{body["status"]}" is not a valid choice.']})
    group = await change_status(state.context, scope.group, body["status"])
    return _answer(state, GroupScope(group, scope.organization))


@at_issue(
    "GET", "events/latest/", operation_id="getLatestErrorEvent", summary="The newest event of an error group"
)
async def get_latest_event(state: StateDep, scope: ReadGroup) -> JSONResponse:
    """Return the event received last."""
    async with state.database.connection() as connection:
        event = await find_event(connection, scope.group.project_id, scope.group.latest_event_id)
    if event is None:
        raise NotFound
    return JSONResponse(event_json(event, scope.organization.slug))


def _answer(state: AppState, scope: GroupScope) -> JSONResponse:
    return JSONResponse(group_json(scope.group, scope.organization, state.settings.public_url))
