"""Redirects: from Sentry's issue URLs to the feedback, and from a feedback's id to its submission."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from fastapi.responses import RedirectResponse, Response
from hearback_kit.errors import existing
from hearback_web import PageScope

from feedback.domain.feedback import FeedbackDetail
from feedback.pages.deps import Reader, StateDep, is_shown
from feedback.pages.params import View
from feedback.pages.views import slug_of
from feedback.service.app_state import AppState
from feedback.store.feedback_read import find_by_name

router = APIRouter()


@router.get("/organizations/{organization}/issues/{issue_id}/")
@router.get("/organizations/{organization}/issues/{issue_id}/{rest:path}")
async def open_issue(state: StateDep, scope: Reader, issue_id: str) -> Response:
    """Redirect to the feedback with this id or short id; raise NotFound."""
    feedback = existing(await _find(state, scope, issue_id))
    slug = slug_of(scope.organization, feedback)
    return RedirectResponse(View(slug=slug).url(scope.organization.slug), status_code=302)


@router.get("/organizations/{organization}/feedback/submission/")
async def open_submission(
    state: StateDep, scope: Reader, feedback_id: Annotated[str, Query(alias="id", max_length=200)] = ""
) -> Response:
    """Redirect from the id or short id of a feedback to its submission, else to the list of submissions."""
    base = f"/organizations/{scope.organization.slug}/submissions/"
    feedback = await _find(state, scope, feedback_id.strip())
    if feedback is None:
        return RedirectResponse(f"{base}?{urlencode({'query': feedback_id, 'looked': '1'})}", status_code=303)
    project = urlencode({"project": scope.organization.project_slug(feedback.project_id)})
    return RedirectResponse(f"{base}{feedback.submission_id}/?{project}", status_code=303)


async def _find(state: AppState, scope: PageScope, given: str) -> FeedbackDetail | None:
    """Return the feedback with an id or short id; None without one, and where feedback is hidden."""
    if not given or not is_shown(scope.organization):
        return None
    return await state.database.read(find_by_name, [scope.organization.id], given[:250])
