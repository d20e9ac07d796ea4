"""The fate of submissions: lists, single ones, and accepting refused ones."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from hearback_contracts.outcomes import SubmissionState
from hearback_contracts.sources import FeedbackSource
from hearback_fleet.access import EVENT_READ, EVENT_WRITE, PROJECT_READ, ProjectScope, project_scope
from hearback_fleet.audit import audit_of
from hearback_kit.api.paging import PageRequest, page_request, read_text, read_time
from hearback_kit.api.params import choices

from client_reports.api.deps import StateDep
from client_reports.api.params import IdAlias, IdQuery, Reasons, Sources, States, SubmissionId, id_prefix
from client_reports.api.serializers import (
    AcceptBody,
    SubmissionDetail,
    SubmissionView,
    submission_detail,
    submission_view,
)
from client_reports.domain.journal import SubmissionKey
from client_reports.domain.values import submission_id
from client_reports.service.accept_submission import accept_submission
from client_reports.service.find_anywhere import find_in_projects
from client_reports.service.read_fate import read_fate
from client_reports.store.submissions import SubmissionFilter

PAGE_DEFAULT = 50
PAGE_MAX = 100
_STATES = {str(state): state for state in SubmissionState}
_SOURCES = {str(source): str(source) for source in FeedbackSource}

router = APIRouter(prefix="/api/0/projects/{organization}/{project}/submissions", tags=["submissions"])
Reader = Annotated[ProjectScope, project_scope(*PROJECT_READ, *EVENT_READ)]
Writer = Annotated[ProjectScope, project_scope(*EVENT_WRITE)]
Page = Annotated[PageRequest, page_request(read_time, read_text, rows=PAGE_DEFAULT, rows_max=PAGE_MAX)]


@router.get("/", operation_id="listSubmissions", summary="List submissions, newest first")
async def get_submissions(
    response: Response,
    app: StateDep,
    scope: Reader,
    page: Page,
    state: States = None,
    source: Sources = None,
    reason: Reasons = None,
    query: IdQuery = None,
    alias: IdAlias = None,
) -> list[SubmissionView]:
    """Return a page of the project's submissions, with a `Link` header."""
    wanted = SubmissionFilter(
        states=choices("state", state or (), _STATES),
        sources=choices("source", source or (), _SOURCES),
        reasons=reason or (),
        id_prefix=id_prefix(query) or id_prefix(alias),
    )
    organization_id, project_ids = scope.project.organization_id, [scope.project.id]
    found = await find_in_projects(app, organization_id, project_ids, wanted, page.window, within_ids=True)
    shown = page.page(found, lambda one: (one.status.received_at, one.key.id))
    response.headers.update(shown.headers)
    return [submission_view(one) for one in shown.rows]


@router.get("/{submission_id}/", operation_id="getSubmission", summary="Get the fate of a submission")
async def get_submission(app: StateDep, scope: Reader, submission_id: SubmissionId) -> SubmissionDetail:
    """Return a submission with its steps; 404 for one that is unknown or expired.

    The all-zero id, which SDKs return when nothing was sent, selects the newest report sent with it: each of those
    has an id of its own.
    """
    key = _key(scope, submission_id)
    with_words = scope.may(EVENT_READ)
    submission, refusal = await read_fate(app, scope.project.organization_id, key, with_words=with_words)
    return submission_detail(submission, refusal)


@router.put("/{submission_id}/", operation_id="acceptSubmission", summary="Accept a refused submission")
async def put_submission(
    request: Request,
    app: StateDep,
    scope: Writer,
    submission_id: SubmissionId,
    body: AcceptBody,  # noqa: ARG001 - it can only say one thing
) -> SubmissionDetail:
    """Accept, once, a submission that a rule of time, size or repetition refused; 409 if there is none."""
    audit = await audit_of(request, scope)
    submission, refusal = await accept_submission(app, audit, _key(scope, submission_id), scope.project.slug)
    return submission_detail(submission, refusal)


def _key(scope: ProjectScope, text: str) -> SubmissionKey:
    return SubmissionKey(scope.project.id, submission_id(text))
