"""POST …/user-feedback/: a report over HTTP, synchronous (reference: feedback-backend 4.4)."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from hearback_contracts.reasons import Reason
from hearback_contracts.sources import FeedbackSource
from hearback_fleet.access import access_of, find_organization
from hearback_kit.errors import BadRequest, Forbidden, TooManyRequests
from hearback_kit.ids import new_id
from hearback_kit.limits import Limit, subject_of

from user_reports.api.bodies import read_fields_body
from user_reports.api.credentials import EmptyUnauthorized, Poster, poster_of
from user_reports.api.parameters import OBJECT, without_nul
from user_reports.api.place import Here, Place
from user_reports.api.shapes import with_issues
from user_reports.domain.fields import read_fields
from user_reports.domain.model import Refusal, Report, Submission
from user_reports.domain.validation import Words, validate
from user_reports.errors import InvalidFields, ReportConflict
from user_reports.store.projects import filters_garbage, takes_feedback
from user_reports.store.queries.groups import find_groups
from user_reports.store.saving import save_submissions

SOURCE = FeedbackSource.USER_REPORT_DJANGO_ENDPOINT
_CONFLICTS = (Reason.REPORT_EVENT_TOO_OLD, Reason.REPORT_DUPLICATE)
_FIELD_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["name", "email", "comments", "event_id"],
    "properties": {
        "name": {"type": "string", "maxLength": 128},
        "email": {"type": "string", "maxLength": 75},
        "comments": {"type": "string", "maxLength": 4096},
        "event_id": {"type": "string", "maxLength": 45, "description": "UUID, with or without dashes."},
    },
}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": _FIELD_SCHEMA},
            "application/x-www-form-urlencoded": {"schema": _FIELD_SCHEMA},
        },
    }
}

_STORED: dict[int | str, dict[str, Any]] = {
    200: {"description": "Stored. With a DSN the body is empty.", "content": {"application/json": {}}},
    400: {"description": "Messages by field, or `detail`.", "content": {"application/json": {"schema": OBJECT}}},
    401: {"description": "No credentials; empty for a DSN of another project."},
    409: {
        "description": "The event or its report is too old.",
        "content": {"application/json": {"schema": OBJECT}},
    },
}


def router() -> APIRouter:
    """The route."""
    routes = APIRouter(tags=["reports"])

    @routes.post(
        "/api/0/projects/{organization}/{project}/user-feedback/",
        operation_id="createReport",
        summary="Send a report about an error event",
        responses=_STORED,
        openapi_extra=_BODY,
    )
    async def post_report(request: Request, here: Here, organization: str, project: str) -> Response:
        without_nul(request)
        address = client_address(request, here.settings.proxies)
        await _limit(here, address)
        try:
            poster = await poster_of(request, organization, project)
        except EmptyUnauthorized:
            return Response(status_code=401)
        body = await read_fields_body(request, here.settings.body_bytes_max)
        fields, errors = read_fields(body)
        if errors:
            raise InvalidFields(errors)
        report = await _store(here, poster, fields, address)
        if poster.key_id is not None:
            return Response(status_code=200)
        return await _answer(request, here, poster, report)

    return routes


def client_address(request: Request, proxies: int) -> str:
    """The client's address as the outermost of `proxies` trusted proxies saw it; the peer's without any."""
    hops = [hop.strip() for hop in request.headers.get("x-forwarded-for", "").split(",") if hop.strip()]
    peer = request.client.host if request.client else ""
    if not hops or proxies == 0:
        return peer
    return hops[-min(proxies, len(hops))][:64]


async def _limit(here: Place, address: str) -> None:
    limit = Limit(f"report-posts:{subject_of(address)}", here.settings.posts_per_minute_max, 60)
    (wait,) = await here.limits.check([limit])
    if wait:
        raise TooManyRequests(headers={"Retry-After": str(wait)})


async def _store(here: Place, poster: Poster, fields: dict[str, str], address: str) -> Report:
    """Save the report and answer for what became of it; raises what the protocol says for a refusal."""
    project = poster.project
    words = validate(fields, filter_garbage=filters_garbage(project))
    reason = words if isinstance(words, Reason) else None
    if reason is None and not takes_feedback(project):
        reason = Reason.FEATURE_DISABLED
    if reason is None and here.projects.is_denied(project):
        reason = Reason.ORG_DENYLIST
    message_id, now = new_id(), here.clock.now()
    submissions, refusals = [], []
    if isinstance(words, Words) and reason is None:
        submissions.append(_submission(poster, words, message_id, now, address))
    elif reason is not None:
        submission_id = words.event_id if isinstance(words, Words) else message_id
        refusals.append(_refusal(poster, reason, message_id, submission_id))
    telling = here.telling()
    async with here.database.transaction() as connection:
        for submission in submissions:
            telling.came_in(submission, now)
        saved = await save_submissions(
            connection,
            submissions,
            refusals,
            rules=here.rules,
            denied=frozenset(),
            telling=telling,
            now=now,
        )
        await telling.write(connection)
    return _stored(saved[0].report if saved else None, saved[0].reason if saved else reason)


def _stored(report: Report | None, reason: Reason | None) -> Report:
    if reason in _CONFLICTS:
        raise ReportConflict
    if reason is Reason.FEATURE_DISABLED:
        raise Forbidden("The organization does not take user feedback.", code=reason.value)
    if reason is Reason.ORG_DENYLIST:
        raise Forbidden("The organization is denied.", code=reason.value)
    if reason is not None or report is None:
        raise BadRequest(str(reason or "The report is not valid."), code="invalid_report")
    return report


def _submission(poster: Poster, words: Words, message_id: str, now: Any, address: str) -> Submission:
    return Submission(
        message_id=message_id,
        organization_id=poster.project.organization_id,
        project_id=poster.project.id,
        event_id=words.event_id,
        name=words.name,
        email=words.email,
        comments=words.comments,
        source=SOURCE,
        received_at=now,
        key_id=poster.key_id,
        remote_addr=address or None,
    )


def _refusal(poster: Poster, reason: Reason, message_id: str, submission_id: str) -> Refusal:
    return Refusal(
        message_id=message_id,
        organization_id=poster.project.organization_id,
        project_id=poster.project.id,
        submission_id=submission_id,
        source=SOURCE,
        reason=reason,
        key_id=poster.key_id,
    )


async def _answer(request: Request, here: Place, poster: Poster, report: Report) -> Response:
    organization = await find_organization(access_of(request), str(poster.project.organization_id))
    async with here.database.connection() as connection:
        groups = await find_groups(connection, [report.group_id] if report.group_id else [])
    url = here.settings.public_url
    return JSONResponse(with_issues([report], groups, organization, now=here.clock.now(), public_url=url)[0])
