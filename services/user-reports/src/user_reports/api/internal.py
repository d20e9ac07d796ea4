"""What other services of the fleet ask; calls are signed."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from hearback_contracts.identifiers import parse_event_id
from hearback_kit.errors import BadRequest
from hearback_kit.http import require_signature

from user_reports.api.bodies import parse_json
from user_reports.api.parameters import ID_MAX
from user_reports.api.place import Here
from user_reports.store.queries.events import find_events

EVENT_IDS_MAX = 10_000


def router() -> APIRouter:
    """The route; it is no part of the public document."""
    routes = APIRouter(include_in_schema=False)

    @routes.post("/internal/events/exist")
    async def events_exist(request: Request, here: Here) -> JSONResponse:
        await require_signature(request, here.settings.secret_key.get_secret_value())
        project_id, event_ids = _read(parse_json(await request.body()))
        async with here.database.connection() as connection:
            found = await find_events(connection, [(project_id, event_id) for event_id in event_ids])
        return JSONResponse({"found": sorted(event_id for _, event_id in found)})

    return routes


def _read(body: Any) -> tuple[int, list[str]]:
    project_id = body.get("project_id") if isinstance(body, dict) else None
    event_ids = body.get("event_ids") if isinstance(body, dict) else None
    if not isinstance(project_id, int) or not 0 <= project_id <= ID_MAX or not isinstance(event_ids, list):
        raise BadRequest("Expected project_id and event_ids.")
    if len(event_ids) > EVENT_IDS_MAX:
        raise BadRequest(f"At most {EVENT_IDS_MAX} event_ids.")
    return project_id, sorted({event_id for text in event_ids if (event_id := parse_event_id(text))})
