"""POST …/user-feedback/: a report over HTTP, synchronous (protocol: user-reports#the-legacy-endpoint)."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from hearback_contracts.events import UserReportSubmitted
from hearback_contracts.rate_limits import longest, rate_limit_headers
from hearback_contracts.reasons import Reason
from hearback_contracts.sources import FeedbackSource
from hearback_fleet.access import access_of, find_organization
from hearback_kit.api.bodies import RequestRefused, reads_itself
from hearback_kit.api.params import AddressDep
from hearback_kit.errors import BadRequest, EncodedBody, Forbidden, TooLarge, TooManyRequests, Unavailable
from hearback_kit.limits import Limit
from hearback_kit.values.addresses import address_block
from hearback_kit.values.ids import new_id
from hearback_kit.values.origins import is_origin_allowed, web_page_of

from user_reports.api.deps import Sender, StateDep, sender_of
from user_reports.api.reports.bodies import read_fields_body
from user_reports.api.reports.listing import with_issues
from user_reports.domain.fields import read_fields
from user_reports.errors import InvalidDsn, InvalidFields, ReportConflict
from user_reports.service.app_state import AppState
from user_reports.service.submit_report import (
    Received,
    Submitted,
    refuse_by_quota,
    refuse_report,
    refuse_unread,
    submit_reports,
)

# The commit's answer can be lost after the commit.
MAYBE_STORED: Final = (
    "The database does not answer at the moment; the report may be stored all the same. Send it again: within five"
    " minutes a report on the same event replaces the first."
)
SOURCE: Final = FeedbackSource.USER_REPORT_DJANGO_ENDPOINT
_UNREAD: Final = {TooLarge.status: Reason.TOO_LARGE_USER_REPORT, EncodedBody.status: Reason.PAYLOAD}
router = APIRouter()
_FIELD_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["name", "email", "event_id"],
    "properties": {
        "name": {"type": "string", "maxLength": 128},
        "email": {"type": "string", "maxLength": 75},
        "comments": {"type": "string", "maxLength": 4096},
        "event_id": {"type": "string", "maxLength": 45, "description": "UUID, with or without dashes."},
    },
}
_BODY: Final[dict[str, Any]] = {
    "security": [{"token": []}, {"session": []}, {"dsn": []}],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": _FIELD_SCHEMA},
            "application/x-www-form-urlencoded": {"schema": _FIELD_SCHEMA},
        },
    },
}
_OBJECT: Final = {"application/json": {"schema": {"type": "object"}}}
_STORED: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "Stored. With a DSN the body is empty.", "content": {"application/json": {}}},
    400: {"description": "Messages by field, or `detail`.", "content": _OBJECT},
    401: {"description": "No credentials; empty for a DSN of another project."},
    403: {"description": "The origin is not allowed, or the organization takes no reports.", "content": _OBJECT},
    409: {"description": "The event or its report is too old.", "content": _OBJECT},
    415: {"description": "The body has a content encoding.", "content": _OBJECT},
    429: {"description": "A quota or the limit of an address is reached.", "content": _OBJECT},
}


@router.post(
    "/api/0/projects/{organization}/{project}/user-feedback/",
    operation_id="createReport",
    summary="Send a report about an error event",
    responses=_STORED,
    openapi_extra=_BODY,
)
@reads_itself
async def create_report(
    request: Request, state: StateDep, address: AddressDep, organization: str, project: str
) -> Response:
    """Store a report and return it."""
    await _limit(state, address)
    try:
        sender = await sender_of(request, organization, project)
    except InvalidDsn as error:
        if error.sender is not None:
            await refuse_unread(state, _message(state, error.sender, address), Reason.PROJECT_ID)
        raise
    message = _message(state, sender, address)
    await _check_origin(request, state, sender, message)
    body = await _read_body(request, state, message)
    fields, errors = read_fields(body)
    said = fields if not errors else body if isinstance(body, Mapping) else None
    _raise_refusal(await refuse_report(state, Received(message, said)), errors)
    await _check_quotas(state, sender, Received(message, fields))
    try:
        (submitted,) = await submit_reports(state, state.rules, [Received(message, fields)], is_first_step=True)
    except Unavailable as error:
        raise Unavailable(MAYBE_STORED) from error
    return await _answer(request, state, sender, submitted)


async def _check_origin(request: Request, state: AppState, sender: Sender, message: UserReportSubmitted) -> None:
    """Raise Forbidden for a page that may not use the project's DSN (protocol: authentication#allowed-origins)."""
    page = web_page_of(request.headers.get("origin"), request.headers.get("referer"))
    if sender.key_id is None or page is None or is_origin_allowed(page, sender.project.origins):
        return
    await refuse_unread(state, message, Reason.CORS)
    raise Forbidden("This origin is not among the project's allowed origins.", code=Reason.CORS.value)


async def _read_body(request: Request, state: AppState, message: UserReportSubmitted) -> Any:
    """Return the decoded body. Record and raise the refusal of one that is too large, encoded or invalid."""
    try:
        return await read_fields_body(request)
    except RequestRefused as refused:
        reason = _UNREAD.get(refused.status_code)
        if reason is not None:
            await refuse_unread(state, message, reason)
        raise
    except BadRequest:
        reason = await refuse_report(state, Received(message, None))
        if reason is not Reason.INVALID_JSON:
            _raise_refusal(reason)
        raise


async def _check_quotas(state: AppState, sender: Sender, received: Received) -> None:
    """Count a report under the project's quotas; record and raise a refusal."""
    limits = await state.quotas.refusals(sender.project, sender.key_id, SOURCE)
    if limits:
        await refuse_by_quota(state, received, longest(limits).reason_code)
        raise TooManyRequests(headers=dict(rate_limit_headers(limits)))


async def _limit(state: AppState, address: str | None) -> None:
    limit = Limit(f"report-posts:{address_block(address or '')}", state.settings.posts_per_minute_max, 60)
    wait = await state.limits.retry_after(limit)
    if wait:
        raise TooManyRequests(headers={"Retry-After": str(wait)})


def _message(state: AppState, sender: Sender, address: str | None) -> UserReportSubmitted:
    now = state.clock.now()
    return UserReportSubmitted(
        id=new_id(),
        occurred_at=now,
        project_id=sender.project.id,
        organization_id=sender.project.organization_id,
        key_id=sender.key_id,
        received_at=now,
        remote_addr=address,
        event_id=None,
        source=SOURCE,
    )


def _raise_refusal(reason: Reason | None, errors: dict[str, list[str]] | None = None) -> None:
    """Raise the protocol's error for a refusal; `errors` are messages by field."""
    if reason is Reason.FEATURE_DISABLED:
        raise Forbidden("The organization does not take user feedback.", code=reason.value)
    if reason is Reason.ORG_DENYLIST:
        raise Forbidden("The organization is denied.", code=reason.value)
    if errors:
        raise InvalidFields(errors)
    if reason in {Reason.REPORT_EVENT_TOO_OLD, Reason.REPORT_DUPLICATE}:
        raise ReportConflict
    if reason is not None:
        raise BadRequest(reason.value, code="invalid_report")


async def _answer(request: Request, state: AppState, sender: Sender, submitted: Submitted) -> Response:
    _raise_refusal(submitted.reason)
    if sender.key_id is not None:
        return Response(status_code=200)
    report = submitted.report
    if report is None:  # deleted by a person while it was on its way
        raise ReportConflict
    organization = await find_organization(access_of(request), str(sender.project.organization_id))
    (shape,) = await with_issues(state, [report], organization)
    return JSONResponse(shape)
