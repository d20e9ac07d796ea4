"""Addresses of issues, as Sentry has them, lead to the feedback in the inbox."""

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response
from hearback_kit.errors import NotFound
from hearback_kit.values.ids import parse_id

from feedback.pages.deps import Reader, StateDep, is_shown
from feedback.pages.params import View
from feedback.pages.views import slug_of
from feedback.store.feedback_read import find_by_id, find_by_short_id

router = APIRouter()


@router.get("/organizations/{organization}/issues/{issue_id}/")
@router.get("/organizations/{organization}/issues/{issue_id}/{rest:path}")
async def open_issue(state: StateDep, scope: Reader, issue_id: str) -> Response:
    """Lead to the feedback with this id or short id; raises NotFound."""
    feedback = None
    if is_shown(scope.organization):
        async with state.database.connection() as connection:
            if issue_id.isascii() and issue_id.isdigit():
                number = parse_id(issue_id)
                if number is not None:
                    feedback = await find_by_id(connection, number, [scope.organization.id])
            else:
                feedback = await find_by_short_id(connection, [scope.organization.id], issue_id[:250])
    if feedback is None:
        raise NotFound
    slug = slug_of(scope.organization, feedback)
    return RedirectResponse(View(slug=slug).url(scope.organization.slug), status_code=302)
