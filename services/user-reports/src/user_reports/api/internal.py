"""Routes for other services of the fleet."""

from typing import Annotated, Final

from fastapi import Query, Request
from fastapi.responses import JSONResponse
from hearback_contracts.identifiers import parse_event_id
from hearback_contracts.issues import Issue
from hearback_fleet.access import access_of, internal_router
from hearback_kit.errors import NotFound
from hearback_kit.values.ids import ID_MAX
from pydantic import BaseModel, Field

from user_reports.api.deps import StateDep
from user_reports.api.serializers import group_json
from user_reports.store.events import find_events
from user_reports.store.groups import find_group

EVENT_IDS_MAX: Final = 10_000
router = internal_router()


class EventIds(BaseModel):
    """Ids of events of a project."""

    project_id: Annotated[int, Field(ge=1, le=ID_MAX)]
    event_ids: Annotated[list[str], Field(max_length=EVENT_IDS_MAX)]


class FoundEvents(BaseModel):
    """The ids that are in the index."""

    found: list[str]


class FoundGroup(Issue):
    """The error group of an event."""

    matching_event_id: str


@router.post("/internal/events/exist", operation_id="findEvents", summary="Which of a project's events are known")
async def post_events_exist(state: StateDep, wanted: EventIds) -> FoundEvents:
    """Return which of a project's event ids are in the index; malformed ids are not."""
    ids = sorted({event_id for text in wanted.event_ids if (event_id := parse_event_id(text))})
    found = await state.database.read(find_events, [(wanted.project_id, event_id) for event_id in ids])
    return FoundEvents(found=sorted(event_id for _, event_id in found))


@router.get(
    "/internal/organizations/{organization_id}/events/{event_id}/group",
    operation_id="findGroupOfEvent",
    summary="The error group of an event",
    response_model=FoundGroup,
)
async def get_group_of_event(
    request: Request,
    state: StateDep,
    organization_id: int,
    event_id: str,
    project_id: Annotated[list[int], Query()] = [],  # noqa: B006
) -> JSONResponse:
    """Return the error group of an event in one of these projects; 404 without one."""
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
