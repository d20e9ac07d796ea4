"""GET …/events/{event_id}/: an error event as the index has it, or a feedback's event."""

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from hearback_contracts.identifiers import parse_event_id
from hearback_contracts.issues import IssueEvent
from hearback_fleet.access import PROJECT_READ, ProjectScope, project_scope
from hearback_kit.errors import existing

from user_reports.api.deps import StateDep
from user_reports.api.serializers import event_json
from user_reports.store.events import find_event

router = APIRouter(tags=["events"])


@router.get(
    "/api/0/projects/{organization}/{project}/events/{event}/",
    operation_id="getEvent",
    summary="An event of an error or a feedback; 404 until it is stored",
    response_model=IssueEvent,
)
async def get_event(
    state: StateDep, event: str, scope: Annotated[ProjectScope, project_scope(*PROJECT_READ)]
) -> JSONResponse:
    """Return an event of the project."""
    event_id = existing(parse_event_id(event))
    async with state.database.connection(share=scope.project.organization_id) as connection:
        found = await find_event(connection, scope.project.id, event_id)
    if found is not None:
        return JSONResponse(event_json(found, scope.project.organization_slug))
    feedback = existing(await state.feedback.find_event(scope.project.organization_id, event_id, scope.project.id))
    return JSONResponse(feedback["event"])
