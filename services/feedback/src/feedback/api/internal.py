"""Routes for other services of the fleet."""

from typing import Annotated, Final

from fastapi.responses import JSONResponse
from hearback_contracts.config import OrganizationConfig
from hearback_contracts.flags import Feature
from hearback_contracts.issues import FeedbackIssue, IssueEvent, IssueOfShortId
from hearback_fleet.access import internal_router
from hearback_kit.errors import NotFound, existing
from pydantic import BaseModel, Field

from feedback.api import serializers
from feedback.api.deps import StateDep, serializer_context
from feedback.domain.context import parse_any_event_id
from feedback.domain.feedback import FeedbackDetail
from feedback.service.app_state import AppState
from feedback.store.feedback_read import find_by_event, find_by_short_id
from feedback.store.similar import list_of_errors

ERROR_EVENTS_MAX: Final = 1_000
LINKED_MAX: Final = 50


router = internal_router("/internal/organizations/{organization_id}")


class FoundFeedback(IssueOfShortId):
    """A feedback with its event."""

    group: FeedbackIssue
    event_id: str
    event: IssueEvent


@router.get(
    "/events/{event_id}",
    operation_id="findFeedbackByEvent",
    summary="The feedback with an event id",
    response_model=FoundFeedback,
)
async def get_event(
    state: StateDep, organization_id: int, event_id: str, project_id: int | None = None
) -> JSONResponse:
    """Return the feedback with an event id, of the organization or of one of its projects; 404 without one.

    When it is unknown, submissions that are still in the stream are stored first.
    """
    organization = await _organization(state, organization_id)
    projects = [project.id for project in organization.projects if project_id in {None, project.id}]
    event = parse_any_event_id(event_id)
    feedback = await state.database.read(find_by_event, projects, event) if event else None
    if event and feedback is None:
        await state.read_barrier.catch_up()
        feedback = await state.database.read(find_by_event, projects, event)
    return await _answer(state, organization, feedback)


@router.get(
    "/shortids/{short_id}",
    operation_id="findFeedbackByShortId",
    summary="The feedback with a short id",
    response_model=FoundFeedback,
)
async def get_short_id(state: StateDep, organization_id: int, short_id: str) -> JSONResponse:
    """Return the organization's feedback with a short id; 404 without one."""
    organization = await _organization(state, organization_id)
    feedback = await state.database.read(find_by_short_id, [organization.id], short_id)
    return await _answer(state, organization, feedback)


class ErrorEvents(BaseModel):
    """Error events of a project."""

    project_id: int
    event_ids: Annotated[list[str], Field(max_length=ERROR_EVENTS_MAX)]


@router.post(
    "/feedback/linked",
    operation_id="listLinkedFeedback",
    summary="The new feedback linked to error events",
    response_model=list[FeedbackIssue],
)
async def list_linked(state: StateDep, organization_id: int, wanted: ErrorEvents) -> JSONResponse:
    """Return new feedback linked to any of the error events: the newest `LINKED_MAX`, newest first."""
    organization = await _organization(state, organization_id)
    project = organization.find_project(str(wanted.project_id))
    ids = {event for text in wanted.event_ids if (event := parse_any_event_id(text))}
    async with state.database.connection() as connection:
        found = await list_of_errors(connection, project.id, ids, LINKED_MAX) if project else []
    context = await serializer_context(state, organization, found)
    return JSONResponse([serializers.group(feedback, context) for feedback in found])


async def _organization(state: AppState, organization_id: int) -> OrganizationConfig:
    organization = await state.configuration.organization(organization_id)
    if organization is None or not organization.feature(Feature.VISIBLE):
        raise NotFound
    return organization


async def _answer(
    state: AppState, organization: OrganizationConfig, feedback: FeedbackDetail | None
) -> JSONResponse:
    found = existing(feedback)
    context = await serializer_context(state, organization, [found])
    event = {"eventId": found.event_id, "event": serializers.event(found, context)}
    return JSONResponse(serializers.short_id(found, context) | event)
