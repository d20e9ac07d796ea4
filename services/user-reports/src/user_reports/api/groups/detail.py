"""An error group: its detail, its status, its hash."""

from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from hearback_contracts.issues import Issue, IssueHash

from user_reports.api.deps import ReadGroup, StateDep, WriteGroup
from user_reports.api.groups.bodies import CHANGES_SCHEMA, read_changes
from user_reports.api.reports.bodies import parse_json
from user_reports.api.serializers import event_json, group_json
from user_reports.errors import GroupNotDeletable
from user_reports.service.app_state import AppState
from user_reports.service.find_groups import GroupScope
from user_reports.service.triage_groups import update_group
from user_reports.store.events import find_event
from user_reports.store.followers import is_follower
from user_reports.store.groups import Group

issue = APIRouter()
_OBJECT: Final = {"application/json": {"schema": {"type": "object"}}}
_CHANGES: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": CHANGES_SCHEMA}}}
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
    """Change an error group; fields that cannot be changed are refused by name, unless they ask for nothing."""
    changes = read_changes(parse_json(await request.body()))
    group = await update_group(state, scope.group, changes, scope.member_id)
    return await _answer(state, scope, group)


@issue.delete("/", name="deleteErrorGroup", include_in_schema=False)
async def delete_group(_scope: WriteGroup) -> None:
    """Refuse in words what feedback under the same paths allows."""
    raise GroupNotDeletable


@issue.get(
    "/hashes/",
    name="listErrorGroupHashes",
    summary="The hash that makes events one group",
    response_model=list[IssueHash],
)
async def list_hashes(state: StateDep, scope: ReadGroup) -> JSONResponse:
    """Return the group's one hash with its newest event."""
    group = scope.group
    async with state.database.connection(share=group.organization_id) as connection:
        event = await find_event(connection, group.project_id, group.latest_event_id)
    latest = event_json(event, scope.organization.slug) if event else None
    return JSONResponse([{"id": group.hash, "latestEvent": latest}])


async def _answer(state: AppState, scope: GroupScope, group: Group) -> JSONResponse:
    is_followed = False
    if scope.member_id is not None:
        async with state.database.connection(share=group.organization_id) as connection:
            is_followed = await is_follower(connection, group.id, scope.member_id)
    url = state.settings.public_url
    return JSONResponse(group_json(group, scope.organization, url, is_followed=is_followed))
