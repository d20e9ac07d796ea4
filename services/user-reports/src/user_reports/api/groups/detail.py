"""An error group: its detail, its status, its hash."""

from collections.abc import Callable
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from hearback_contracts.issues import Issue
from hearback_kit.errors import BadRequest

from user_reports.api.deps import ReadGroup, StateDep, WriteGroup
from user_reports.api.reports.bodies import parse_json
from user_reports.api.serializers import event_json, group_json
from user_reports.service.app_state import AppState
from user_reports.service.find_groups import GroupScope
from user_reports.service.triage_groups import GroupChanges, update_group
from user_reports.store.events import find_event
from user_reports.store.followers import is_follower
from user_reports.store.groups import Group

STATUSES: Final = ("unresolved", "resolved", "ignored")
issue = APIRouter()
_OBJECT: Final = {"application/json": {"schema": {"type": "object"}}}
_BOOLEAN: Final = {"type": "boolean"}
_CHANGES: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "status": {"type": "string", "enum": list(STATUSES)},
                        "hasSeen": _BOOLEAN,
                        "isSubscribed": {**_BOOLEAN, "description": "Whether the caller follows the group."},
                    },
                }
            }
        },
    }
}


@issue.get("/", name="getErrorGroup", summary="An error group", response_model=Issue)
async def get_group(state: StateDep, scope: ReadGroup) -> JSONResponse:
    """Return an error group."""
    return await _answer(state, scope, scope.group)


@issue.put(
    "/",
    name="updateErrorGroup",
    summary="Resolve, ignore, reopen or follow an error group",
    openapi_extra=_CHANGES,
    response_model=Issue,
    responses={400: {"description": "A field cannot be changed like that.", "content": _OBJECT}},
)
async def put_group(request: Request, state: StateDep, scope: WriteGroup) -> JSONResponse:
    """Change an error group; fields that cannot be changed are refused by name."""
    changes = _read_changes(parse_json(await request.body()))
    group = await update_group(state.context, scope.group, changes, scope.member_id)
    return await _answer(state, scope, group)


@issue.get("/hashes/", name="listErrorGroupHashes", summary="The hash that makes events one group")
async def list_hashes(state: StateDep, scope: ReadGroup) -> JSONResponse:
    """Return the group's one hash with its newest event."""
    group = scope.group
    async with state.reading(group.organization_id) as connection:
        event = await find_event(connection, group.project_id, group.latest_event_id)
    latest = event_json(event, scope.organization.slug) if event else None
    return JSONResponse([{"id": group.hash, "latestEvent": latest}])


def _read_changes(body: Any) -> GroupChanges:
    if not isinstance(body, dict):
        raise BadRequest("Expected a JSON object.", code="invalid")
    errors = {name: ["This field of an error group cannot be changed."] for name in body if name not in _READERS}
    for name, is_valid in _READERS.items():
        if name in body and not is_valid(body[name]):
            errors[name] = [f"{orjson.dumps(body[name]).decode()[:100]} is not a valid choice."]
    if errors:
        raise BadRequest("A field cannot be changed like that.", code="invalid_fields", body=errors)
    return GroupChanges(
        status=body.get("status"), has_seen=body.get("hasSeen"), is_followed=body.get("isSubscribed")
    )


_READERS: Final[dict[str, Callable[[Any], bool]]] = {
    "status": lambda value: isinstance(value, str) and value in STATUSES,
    "hasSeen": lambda value: isinstance(value, bool),
    "isSubscribed": lambda value: isinstance(value, bool),
}


async def _answer(state: AppState, scope: GroupScope, group: Group) -> JSONResponse:
    is_followed = False
    if scope.member_id is not None:
        async with state.reading(group.organization_id) as connection:
            is_followed = await is_follower(connection, group.id, scope.member_id)
    url = state.settings.public_url
    return JSONResponse(group_json(group, scope.organization, url, is_followed=is_followed))
