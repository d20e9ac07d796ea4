"""What other services of the fleet ask; calls are signed, and the routes are no part of the public document."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from hearback_contracts.identifiers import parse_event_id
from hearback_fleet.access import access_of
from hearback_kit.errors import BadRequest, NotFound
from hearback_kit.http import require_signature
from hearback_kit.values.ids import is_id

from user_reports.api.deps import StateDep
from user_reports.api.reports.bodies import parse_json
from user_reports.api.serializers import group_json
from user_reports.store.events import find_events
from user_reports.store.groups import find_group

EVENT_IDS_MAX: Final = 10_000
router = APIRouter(include_in_schema=False)


@router.post("/internal/events/exist")
async def post_events_exist(request: Request, state: StateDep) -> JSONResponse:
    """Return which of a project's event ids are in the index."""
    await require_signature(request, state.settings.secret_key.get_secret_value())
    project_id, event_ids = _read(parse_json(await request.body()))
    async with state.database.connection() as connection:
        found = await find_events(connection, [(project_id, event_id) for event_id in event_ids])
    return JSONResponse({"found": sorted(event_id for _, event_id in found)})


@router.get("/internal/organizations/{organization_id}/events/{event_id}/group")
async def get_group_of_event(
    request: Request,
    state: StateDep,
    organization_id: int,
    event_id: str,
    project_id: Annotated[list[int], Query()] = [],  # noqa: B006
) -> JSONResponse:
    """Return the error group of an event, of one of these projects of the organization; 404 without one."""
    await require_signature(request, state.settings.secret_key.get_secret_value())
    organization = await access_of(request).configuration.organization(organization_id)
    parsed = parse_event_id(event_id)
    if organization is None or parsed is None:
        raise NotFound
    keys = [(project.id, parsed) for project in organization.projects if project.id in project_id]
    async with state.database.connection() as connection:
        event = next(iter((await find_events(connection, keys)).values()), None)
        group = await find_group(connection, event.group_id) if event else None
    if group is None:
        raise NotFound
    return JSONResponse(group_json(group, organization, state.settings.public_url) | {"matchingEventId": parsed})


def _read(body: Any) -> tuple[int, list[str]]:
    project_id = body.get("project_id") if isinstance(body, dict) else None
    event_ids = body.get("event_ids") if isinstance(body, dict) else None
    if not isinstance(project_id, int) or not is_id(project_id) or not isinstance(event_ids, list):
        raise BadRequest("Expected project_id and event_ids.")
    if len(event_ids) > EVENT_IDS_MAX:
        raise BadRequest(f"At most {EVENT_IDS_MAX} event_ids.")
    return project_id, sorted({event_id for text in event_ids if (event_id := parse_event_id(text))})
