"""What other services of the fleet may ask; calls are signed and no part of the public document."""

from typing import Any

from fastapi import APIRouter, Depends, Request
from hearback_contracts.config import OrganizationConfig
from hearback_contracts.flags import Feature
from hearback_kit.errors import NotFound
from hearback_kit.http import require_signature

from feedback.api import serializers
from feedback.api.deps import AppState, StateDep
from feedback.domain.context import parse_any_event_id
from feedback.domain.feedback import FeedbackDetail
from feedback.store.feedback_read import find_by_event, find_by_short_id


async def _signed(request: Request, state: StateDep) -> None:
    await require_signature(request, state.settings.secret_key.get_secret_value())


router = APIRouter(
    prefix="/internal/organizations/{organization_id}", include_in_schema=False, dependencies=[Depends(_signed)]
)


@router.get("/events/{event_id}")
async def get_event(
    state: StateDep, organization_id: int, event_id: str, project_id: int | None = None
) -> dict[str, Any]:
    """Return the feedback with an event id, of the organization or of one of its projects; 404 without one."""
    organization = await _organization(state, organization_id)
    projects = [project.id for project in organization.projects if project_id in {None, project.id}]
    event = parse_any_event_id(event_id)
    async with state.database.connection() as connection:
        feedback = await find_by_event(connection, projects, event) if event else None
    return await _answer(state, organization, feedback)


@router.get("/shortids/{short_id}")
async def get_short_id(state: StateDep, organization_id: int, short_id: str) -> dict[str, Any]:
    """Return the organization's feedback with a short id; 404 without one."""
    organization = await _organization(state, organization_id)
    async with state.database.connection() as connection:
        feedback = await find_by_short_id(connection, [organization.id], short_id)
    return await _answer(state, organization, feedback)


async def _organization(state: AppState, organization_id: int) -> OrganizationConfig:
    organization = await state.configuration.organization(organization_id)
    if organization is None or not organization.feature(Feature.VISIBLE):
        raise NotFound
    return organization


async def _answer(
    state: AppState, organization: OrganizationConfig, feedback: FeedbackDetail | None
) -> dict[str, Any]:
    if feedback is None:
        raise NotFound
    context = await state.serializer_context(organization, [feedback])
    return {
        **serializers.short_id(feedback, context),
        "eventId": feedback.event_id,
        "event": serializers.event(feedback, context),
    }
