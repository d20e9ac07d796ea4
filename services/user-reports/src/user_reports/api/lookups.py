"""Look up short ids of error groups, and event ids of errors and feedback."""

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from hearback_contracts.identifiers import parse_event_id
from hearback_contracts.issues import IssueOfEvent, IssueOfShortId
from hearback_fleet.access import EVENT_READ, OrganizationScope, organization_scope
from hearback_kit.errors import existing

from user_reports.api.deps import StateDep
from user_reports.api.serializers import event_json, group_json, group_reference
from user_reports.service.find_groups import find_group_by_short_id
from user_reports.store.events import find_events
from user_reports.store.groups import find_group

router = APIRouter(tags=["look-ups"])
ReadOrganization = Annotated[OrganizationScope, organization_scope(*EVENT_READ)]


@router.get(
    "/api/0/organizations/{organization}/shortids/{short_id}/",
    operation_id="resolveErrorShortId",
    summary="The error group of a short id such as `WEB-ERR-7`",
    response_model=IssueOfShortId,
)
async def get_short_id(state: StateDep, scope: ReadOrganization, short_id: str) -> JSONResponse:
    """Return the group with the short id, or the feedback, where a project's slug ends in `-err`."""
    organization = scope.organization
    group = await find_group_by_short_id(state.database, short_id, [organization])
    if group is None:
        found = existing(await state.feedback.find_short_id(organization.id, short_id))
        return JSONResponse({name: value for name, value in found.items() if name not in {"event", "eventId"}})
    shape = group_json(group, organization, state.settings.public_url)
    return JSONResponse(group_reference(group, organization) | {"group": shape})


@router.get(
    "/api/0/organizations/{organization}/eventids/{event}/",
    operation_id="resolveEventId",
    summary="The issue that an event id belongs to, of an error or a feedback",
    response_model=IssueOfEvent,
)
async def get_event_id(state: StateDep, scope: ReadOrganization, event: str) -> JSONResponse:
    """Return the event with its group and project."""
    event_id = existing(parse_event_id(event))
    organization = scope.organization
    async with state.database.connection(share=organization.id) as connection:
        found = await find_events(connection, [(project.id, event_id) for project in organization.projects])
        indexed = next(iter(found.values()), None)
        group = await find_group(connection, indexed.group_id) if indexed else None
    if indexed is None or group is None:
        feedback = existing(await state.feedback.find_event(organization.id, event_id))
        return JSONResponse(feedback)
    shape = event_json(indexed, organization.slug)
    return JSONResponse(group_reference(group, organization) | {"eventId": event_id, "event": shape})
