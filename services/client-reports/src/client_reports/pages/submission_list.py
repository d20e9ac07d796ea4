"""Submissions and their fate: a list with filters, the steps of each, and accepting a refused one.

A look-up accepts an event id or its prefix, and the id or short id of the feedback that a submission became; the
feedback service redirects the latter to the submission.
"""

import re
from dataclasses import astuple, dataclass
from datetime import timedelta
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request
from hearback_contracts.identifiers import parse_event_id
from hearback_contracts.outcomes import SubmissionState
from hearback_contracts.reasons import Reason
from hearback_contracts.sources import FeedbackSource
from hearback_fleet.access import EVENT_READ
from hearback_fleet.audit import audit_of
from hearback_kit.api.paging import PageRequest, page_request, read_text
from hearback_kit.api.paging import read_time as read_cursor_time
from hearback_kit.api.params import choices, read_time
from hearback_web import Flash, FormDep, PageScope, neighbours, redirect
from hearback_web.texts import gettext as _
from hearback_web.words import step_words
from starlette.responses import Response

from client_reports.domain.journal import Submission, SubmissionKey
from client_reports.domain.submission_status import Step
from client_reports.domain.values import submission_id as stored_id
from client_reports.pages.deps import PAGES, Reader, StateDep, Writer, current_slug, project_choices, reason_values
from client_reports.pages.words import kind_words, state_words
from client_reports.service.accept_submission import accept_submission
from client_reports.service.app_state import AppState
from client_reports.service.find_anywhere import PROJECTS_MAX, find_in_projects, find_with_id
from client_reports.store.refused import StoredRefusal, find_refusal
from client_reports.store.submissions import SubmissionFilter

ROWS: Final = 25
_STATES: Final = {str(state): state for state in SubmissionState}
_SOURCES: Final = {str(source): str(source) for source in FeedbackSource}
_DAY: Final = timedelta(days=1)
# The number or short id of a feedback, which is no id of the journal; and of an error.
_FEEDBACK: Final = re.compile(
    r"[0-9]{1,18}|[a-z0-9_-]*[a-z_-][a-z0-9_-]*-[0-9a-z]{1,13}", re.ASCII | re.IGNORECASE
)
_ERROR: Final = re.compile(r"[a-z0-9_-]+-err-[0-9a-z]{1,13}", re.ASCII | re.IGNORECASE)
router = APIRouter(include_in_schema=False)
SubmissionsPage = Annotated[PageRequest, page_request(read_cursor_time, read_text, rows=ROWS, rows_max=100)]
Text = Annotated[str, Query(max_length=200)]


@dataclass(slots=True)
class Choice:
    """Dependency: the filters of the page; empty texts do not filter."""

    query: Text = ""
    project: Text = ""
    state: Text = ""
    source: Text = ""
    reason: Text = ""
    start: Text = ""
    end: Text = ""

    def __post_init__(self) -> None:
        self.query, self.reason = self.query.strip(), self.reason.strip()

    @property
    def is_filtered(self) -> bool:
        """Whether any filter is set."""
        return any(astuple(self))


ChoiceDep = Annotated[Choice, Depends()]


@router.get("/organizations/{organization}/submissions/")
async def submissions_page(
    request: Request, state: StateDep, scope: Reader, choice: ChoiceDep, wanted: SubmissionsPage, looked: Text = ""
) -> Response:
    """Show submissions, newest first; redirect to the submission with a given id.

    An unknown id that may be a feedback's id or short id redirects to the feedback service's pages, which redirect
    back with `looked` if there is no such feedback.
    """
    choice.project = current_slug(scope.organization, choice.project)
    project_ids = scope.project_ids([choice.project] if choice.project else None)
    if (event_id := parse_event_id(choice.query)) is not None:
        found = await find_with_id(state, scope.organization.id, project_ids, event_id)
        if len(found) == 1:
            return redirect(request, _url(scope, found[0]))
    found = await find_in_projects(state, scope.organization.id, project_ids, _filter_of(choice), wanted.window)
    owner = None if found or looked or wanted.position else _owner_url(scope, choice.query)
    if owner is not None:
        return redirect(request, owner)
    page = wanted.page(found, lambda row: (row.status.received_at, row.key.id))
    return PAGES.render(
        request,
        "submissions.html",
        choice=choice,
        projects=project_choices(scope.organization),
        states=[("", _("Any state")), *((name, state_words(one).label) for name, one in _STATES.items())],
        sources=[("", _("Any kind")), *((name, kind_words(name)) for name in _SOURCES)],
        reasons=[reason.value for reason in Reason],
        rows=[_row(scope, one) for one in page.rows],
        pages=neighbours(request, page),
        shown_projects=PROJECTS_MAX if len(project_ids) > PROJECTS_MAX else 0,
        days=state.settings.submissions_days_max,
    )


@router.get("/organizations/{organization}/submissions/{submission_id}/")
async def submission_page(
    request: Request,
    state: StateDep,
    scope: Reader,
    submission_id: Annotated[str, Path(max_length=200)],
    project: Text = "",
) -> Response:
    """Show a submission with its steps, and the payload of a refused one."""
    found = await _find(state, scope, submission_id, project)
    if not found and (owner := _owner_url(scope, submission_id)) is not None:
        return redirect(request, owner)
    if not found:
        return PAGES.render(
            request, "submission_gone.html", 404, id=submission_id, days=state.settings.submissions_days_max
        )
    one = found[0]
    refusal = None
    if scope.may(EVENT_READ):
        async with state.database.connection(share=scope.organization.id) as connection:
            refusal = await find_refusal(connection, one.key)
    row = _row(scope, one)
    return PAGES.render(
        request,
        "submission.html",
        row=row,
        steps=[_step(scope, row["project"], step) for step in one.status.steps],
        others=[_row(scope, other) for other in found[1:]],
        refusal=_words_of(refusal),
    )


@router.post("/organizations/{organization}/submissions/{submission_id}/")
async def take_in(
    request: Request,
    state: StateDep,
    scope: Writer,
    form: FormDep,
    submission_id: Annotated[str, Path(max_length=200)],
) -> Response:
    """Accept a refused submission; show an error page if there is nothing to accept."""
    [project_id] = scope.project_ids([form.text("project", length_max=200)])[:1]
    audit = await audit_of(request, scope)
    key = SubmissionKey(project_id, stored_id(submission_id))
    accepted, _refusal = await accept_submission(state, audit, key, scope.organization.project_slug(project_id))
    return redirect(request, _url(scope, accepted), Flash(_("Accepted. It appears in the inbox in a moment.")))


async def _find(state: AppState, scope: PageScope, text: str, project: str) -> list[Submission]:
    """Return the submissions with an id, newest first; for the all-zero id the newest reports sent with it."""
    project_ids = scope.project_ids([project] if project else None)
    return await find_with_id(state, scope.organization.id, project_ids, stored_id(text))


def _owner_url(scope: PageScope, text: str) -> str | None:
    """Return the page that resolves an id or short id, or None for any other text."""
    base = f"/organizations/{scope.organization.slug}"
    if parse_event_id(text) is not None:
        return None
    if _ERROR.fullmatch(text):
        return f"{base}/issues/{quote(text)}/feedback/"
    return f"{base}/feedback/submission/?{urlencode({'id': text})}" if _FEEDBACK.fullmatch(text) else None


def _filter_of(choice: Choice) -> SubmissionFilter:
    query = choice.query.lower().replace("-", "")
    end = read_time("end", choice.end)
    if end is not None and len(choice.end) <= len("2026-01-01"):  # a day without a time is included
        end += _DAY
    return SubmissionFilter(
        states=choices("state", [choice.state] if choice.state else (), _STATES),
        sources=choices("source", [choice.source] if choice.source else (), _SOURCES),
        reasons=[choice.reason] if choice.reason else (),
        id_prefix=query or None,
        start=read_time("start", choice.start),
        end=end,
    )


def _url(scope: PageScope, submission: Submission) -> str:
    slug = scope.organization.project_slug(submission.key.project_id)
    return f"/organizations/{scope.organization.slug}/submissions/{submission.key.id}/?project={slug}"


def _row(scope: PageScope, submission: Submission) -> dict[str, Any]:
    status = submission.status
    slug = scope.organization.project_slug(submission.key.project_id)
    return reason_values(scope.organization, slug, status.reason) | {
        "id": submission.key.id,
        "url": _url(scope, submission),
        "project": slug,
        "state": state_words(status.state),
        "is_deleted": status.reason == Reason.DELETED,
        "source": kind_words(status.source),
        "received_at": status.received_at,
        "feedback_id": status.feedback_id,
    }


def _step(scope: PageScope, project: str, step: Step) -> dict[str, Any]:
    return reason_values(scope.organization, project, step.reason) | {
        "at": step.at,
        "label": step_words(step.step),
        "service": step.service,
        "tone": state_words(step.state).tone,
        "details": step.details,
    }


def _words_of(refusal: StoredRefusal | None) -> dict[str, Any] | None:
    """Return the payload of a refused submission: its main texts, and the whole as text."""
    if refusal is None:
        return None
    payload = orjson.loads(refusal.payload)
    context = payload.get("contexts", {}) if isinstance(payload, dict) else {}
    feedback = context.get("feedback", payload) if isinstance(context, dict) else payload
    said = feedback if isinstance(feedback, dict) else {}
    shown = {name: said.get(name) for name in ("message", "comments", "name", "contact_email", "email")}
    known = {name: value for name, value in shown.items() if isinstance(value, str) and value}
    return {
        "words": known.get("message") or known.get("comments") or "",
        "name": known.get("name"),
        "email": known.get("contact_email") or known.get("email"),
        "raw": orjson.dumps(payload, option=orjson.OPT_INDENT_2).decode(),
        "can_be_accepted": refusal.message is not None and refusal.accepted_at is None,
        "accepted_at": refusal.accepted_at,
    }
