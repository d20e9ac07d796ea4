"""GET …/events/{event_id}/: one error event as the index has it."""

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from hearback_contracts.identifiers import parse_event_id
from hearback_fleet.access import PROJECT_READ, ProjectScope, project_scope
from hearback_kit.errors import NotFound

from user_reports.api.place import Here
from user_reports.api.shapes import event_json
from user_reports.store.queries.events import find_event


def router() -> APIRouter:
    """The route."""
    routes = APIRouter(tags=["events"])

    @routes.get(
        "/api/0/projects/{organization}/{project}/events/{event}/",
        operation_id="getErrorEvent",
        summary="An error event; 404 until it is indexed",
    )
    async def get_event(
        here: Here, event: str, scope: Annotated[ProjectScope, project_scope(*PROJECT_READ)]
    ) -> JSONResponse:
        event_id = parse_event_id(event)
        if event_id is None:
            raise NotFound
        async with here.database.connection() as connection:
            found = await find_event(connection, scope.project.id, event_id)
        if found is None:
            raise NotFound
        return JSONResponse(event_json(found, scope.project.organization_slug))

    return routes
