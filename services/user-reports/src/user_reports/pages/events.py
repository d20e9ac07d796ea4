"""Redirects from an event, as mails and webhooks link to it, to the page of its error group or feedback."""

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import RedirectResponse, Response
from hearback_contracts.identifiers import parse_event_id
from hearback_kit.errors import NotFound, existing
from hearback_web.texts import gettext as _

from user_reports.pages.deps import Reader, StateDep
from user_reports.store.events import find_event

router = APIRouter(include_in_schema=False)


@router.get("/organizations/{organization}/projects/{project}/events/{event}/")
async def open_event(
    state: StateDep,
    scope: Reader,
    project: Annotated[str, Path(max_length=200)],
    event: Annotated[str, Path(max_length=100)],
) -> Response:
    """Redirect to the issue of an event; raise NotFound for one that has not arrived."""
    organization = scope.organization
    project_id = existing(organization.find_project(project)).id
    event_id = existing(parse_event_id(event))
    async with state.database.connection(share=organization.id) as connection:
        indexed = await find_event(connection, project_id, event_id)
    if indexed is not None:
        issue = str(indexed.group_id)
    elif found := await state.feedback.find_event(organization.id, event_id, project_id):
        issue = found["groupId"]
    else:
        raise NotFound(_("This event has not arrived, or is gone."))
    return RedirectResponse(f"/organizations/{organization.slug}/issues/{issue}/", status_code=303)
