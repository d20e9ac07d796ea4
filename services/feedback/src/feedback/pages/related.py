"""Parts of the detail that scripts load after it: related data, and files that arrived later.

Related are similar feedback, the error with its reports, the fate and the deliveries: they take longer to load
than the feedback itself.
"""

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from hearback_contracts.config import OrganizationConfig
from hearback_contracts.identifiers import NO_EVENT_ID
from hearback_contracts.reasons import EXPLANATIONS, Reason
from hearback_kit.auth import SESSION_COOKIE
from hearback_kit.errors import existing
from hearback_kit.values.ids import parse_id
from hearback_kit.values.times import parse_rfc3339
from hearback_web.words import delivery_words, step_words

from feedback.domain.feedback import Feedback, FeedbackDetail
from feedback.domain.payload import mapping, text
from feedback.pages.deps import PAGES, Reader, StateDep, is_shown
from feedback.pages.params import View
from feedback.pages.views import ATTACHMENTS_MAX, rows_of, sorted_files
from feedback.service.app_state import AppState
from feedback.service.ask_fleet import Known
from feedback.store.attachments import list_attachments
from feedback.store.feedback_read import find_by_id
from feedback.store.similar import list_of_error, list_similar

ON_ERROR_MAX = 10
Values = dict[str, Any]
router = APIRouter()


@router.get("/organizations/{organization}/feedback/{feedback_id}/beside/")
async def show_related(request: Request, state: StateDep, scope: Reader, feedback_id: str) -> Response:
    """Return the detail's fragment with related data; raise NotFound."""
    feedback = await _find(state, scope.organization, feedback_id)
    related = await read_related(request, state, scope.organization, feedback)
    values: Values = {"related": related, "feedback": feedback, "organization": scope.organization}
    return PAGES.render(request, "inbox.html", block="related_part", **values)


@router.get("/organizations/{organization}/feedback/{feedback_id}/files/")
async def show_files(request: Request, state: StateDep, scope: Reader, feedback_id: str) -> Response:
    """Return the detail's fragment with the files; raise NotFound."""
    feedback = await _find(state, scope.organization, feedback_id)
    found = await state.database.read(list_attachments, *feedback.key, limit=ATTACHMENTS_MAX)
    images, files = sorted_files(scope.organization, found)
    return PAGES.render(request, "inbox.html", block="files_part", detail={"images": images, "files": files})


async def _find(state: AppState, organization: OrganizationConfig, feedback_id: str) -> FeedbackDetail:
    number = existing(parse_id(feedback_id) if is_shown(organization) else None)
    return existing(await state.database.read(find_by_id, number, [organization.id]))


async def read_related(
    request: Request, state: AppState, organization: OrganizationConfig, feedback: Feedback
) -> Values:
    """Return the data related to a feedback; other services are asked concurrently, with the caller's session."""
    session = request.cookies.get(SESSION_COOKIE, "")
    project = organization.project_slug(feedback.project_id)
    path = f"{organization.slug}/{project}"
    fleet = state.fleet
    rows, fate, deliveries, error = await asyncio.gather(
        _rows(state, feedback),
        fleet.fate(session, path, feedback.submission_id),
        fleet.deliveries(session, path, feedback.event_id),
        _error(state, session, organization, feedback),
    )
    similar, on_error = rows
    view = View(mailbox="all")
    submissions = f"/organizations/{organization.slug}/submissions/"
    return {
        "has_error": feedback.associated_event_id not in {None, NO_EVENT_ID},
        "similar": rows_of(organization, view, similar),
        "on_error": rows_of(organization, view, on_error),
        "error": error.value,
        "error_available": error.is_available,
        "fate": [_step(step) for step in _list(mapping(fate.value).get("steps"))],
        "fate_available": fate.is_available,
        "submission_url": f"{submissions}{feedback.submission_id}/?project={project}",
        "deliveries": [_delivery(one) for one in _list(deliveries.value)],
        "deliveries_available": deliveries.is_available,
    }


async def _rows(state: AppState, feedback: Feedback) -> tuple[list[Feedback], list[Feedback]]:
    """Return similar feedback, and the other feedback about the same error."""
    settings = state.settings
    async with state.database.connection(share=feedback.organization_id) as connection:
        similar = await list_similar(
            connection, feedback, rows_max=settings.similar_rows_max, limit=settings.similar_max
        )
        if feedback.associated_event_id == NO_EVENT_ID:
            return similar, []
        return similar, await list_of_error(connection, feedback, ON_ERROR_MAX)


async def _error(state: AppState, session: str, organization: OrganizationConfig, feedback: Feedback) -> Known:
    """Return the error that a feedback is about, with the user reports on it; None if its event is unknown."""
    event_id = feedback.associated_event_id
    if event_id is None or event_id == NO_EVENT_ID:
        return Known()
    found = await state.fleet.error(session, organization.slug, event_id)
    group_id = text(mapping(found.value).get("groupId"))
    if not group_id:
        return Known(is_available=found.is_available)
    reports = await state.fleet.reports(session, organization.slug, group_id)
    event = mapping(mapping(found.value).get("event"))
    error = {
        "title": text(event.get("title")) or text(event.get("message")) or event_id,
        "url": f"/organizations/{organization.slug}/issues/{group_id}/",
        "short_id": text(mapping(found.value).get("shortId")) or "",
        "level": text(event.get("level")) or "error",
        "reports": [_report(one) for one in _list(reports.value)],
    }
    return Known(error)


def _list(value: Any) -> list[Values]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _report(report: Values) -> Values:
    return {
        "person": text(report.get("name")) or text(report.get("email")),
        "text": " ".join((text(report.get("comments")) or "").split())[:240],
        "at": parse_rfc3339(text(report.get("dateCreated")) or ""),
    }


_REASONS = {str(reason): reason for reason in Reason}


def _step(step: Values) -> Values:
    reason = text(step.get("reason"))
    known = _REASONS.get(reason or "")
    return {
        "at": parse_rfc3339(text(step.get("at")) or ""),
        "service": text(step.get("service")) or "",
        "label": step_words(text(step.get("step")) or ""),
        "is_odd": bool(reason) and reason != text(step.get("step")),
        "reason": reason,
        "explanation": EXPLANATIONS.get(known) if known else None,
    }


def _delivery(delivery: Values) -> Values:
    return {
        "channel": text(delivery.get("channel")) or "",
        "target": text(delivery.get("target")) or "",
        "rule": text(delivery.get("rule")) or "",
        "state": (state := text(delivery.get("state")) or ""),
        "label": delivery_words().get(state, state),
        "answer": text(delivery.get("answer")),
        "at": parse_rfc3339(text(delivery.get("dateFinished")) or text(delivery.get("dateCreated")) or ""),
    }
