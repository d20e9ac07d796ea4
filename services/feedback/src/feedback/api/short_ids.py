"""Look-up of a feedback by its short id."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from hearback_kit.errors import NotFound, existing

from feedback.api import serializers
from feedback.api.deps import OrganizationReader, StateDep, serializer_context
from feedback.api.params import visible
from feedback.store.feedback_read import find_by_short_id

router = APIRouter(prefix="/api/0/organizations/{organization}/shortids", tags=["issues"])


@router.get("/{short_id}/", operation_id="resolveShortId", summary="Find a feedback by its short id")
async def resolve_short_id(
    state: StateDep,
    scope: OrganizationReader,
    short_id: Annotated[str, Path(description="Short id of a feedback, such as `WEB-12`.", max_length=250)],
) -> dict[str, Any]:
    """Return the feedback with its organization and project."""
    if not visible(scope):
        raise NotFound
    feedback = existing(await state.database.read(find_by_short_id, [scope.organization.id], short_id))
    context = await serializer_context(state, scope.organization, [feedback])
    return serializers.short_id(feedback, context)
