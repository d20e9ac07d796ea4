"""The fate of submissions: one by id, and lists."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from hearback_contracts.identifiers import parse_event_id
from hearback_contracts.outcomes import SubmissionState
from hearback_contracts.sources import FeedbackSource
from hearback_fleet.access import EVENT_READ, PROJECT_READ, ProjectScope, project_scope
from hearback_kit.errors import BadRequest, NotFound
from hearback_kit.pages import decode_cursor, encode_cursor, link_header

from client_reports.api.deps import StateDep
from client_reports.api.parameters import named, refuse_null_characters
from client_reports.api.schemas import StepView, SubmissionView, wire_time
from client_reports.store.journal import SubmissionFilter, find_submission, list_submissions

PAGE_DEFAULT = 50
PAGE_MAX = 100
_STATES = {str(state): state for state in SubmissionState}
_SOURCES = {str(source): str(source) for source in FeedbackSource}

router = APIRouter(prefix="/api/0/projects/{organization}/{project}/submissions", tags=["submissions"])
Reader = Annotated[ProjectScope, project_scope(*PROJECT_READ, *EVENT_READ)]


@router.get("/", operation_id="listSubmissions", summary="Submissions, newest first")
async def get_submissions(
    request: Request,
    response: Response,
    app: StateDep,
    scope: Reader,
    state: Annotated[list[str] | None, Query(description="Only in one of these states.")] = None,
    source: Annotated[list[str] | None, Query(description="Only from one of these sources.")] = None,
    reason: Annotated[list[str] | None, Query(description="Only with one of these reasons.")] = None,
    query: Annotated[
        str | None, Query(description="What the id starts with or, if none does, has in it; dashes do not count.")
    ] = None,
    submission_id: Annotated[str | None, Query(alias="id", description="The same as `query`.")] = None,
    per_page: Annotated[int, Query(ge=1, le=PAGE_MAX)] = PAGE_DEFAULT,
    limit: Annotated[int | None, Query(ge=1, le=PAGE_MAX, description="The same as `per_page`.")] = None,
    cursor: Annotated[str | None, Query(description="From a `Link` header.")] = None,
) -> list[SubmissionView]:
    """A page of the project's submissions; the `Link` header has the cursors of its neighbours."""
    refuse_null_characters(request.query_params)
    wanted = SubmissionFilter(
        project_id=scope.project.id,
        states=named("state", state or (), _STATES),
        sources=named("source", source or (), _SOURCES),
        reasons=reason or (),
        id_prefix=_id_prefix(query) or _id_prefix(submission_id),
    )
    size = limit or per_page
    position, backward = _position(cursor)
    async with app.database.connection() as connection:
        rows = await list_submissions(connection, wanted, after=position, backward=backward, limit=size + 1)
        if not rows and wanted.id_prefix:  # looking into every id takes longer
            wanted = wanted._replace(id_prefix=None, id_part=wanted.id_prefix)
            rows = await list_submissions(connection, wanted, after=position, backward=backward, limit=size + 1)
    more, rows = len(rows) > size, rows[:size]
    if backward:
        rows.reverse()
    response.headers["Link"] = _link(request, rows, backward=backward, more=more, moved=position is not None)
    return [_view(row) for row in rows]


@router.get("/{submission_id}/", operation_id="getSubmission", summary="The fate of a submission")
async def get_submission(
    app: StateDep,
    scope: Reader,
    submission_id: Annotated[str, Path(description="Event id, with or without dashes, in any case.")],
) -> SubmissionView:
    """What became of a submission, step by step; 404 for one that never came or is too long ago."""
    parsed = parse_event_id(submission_id) or submission_id
    if "\x00" in parsed:
        raise BadRequest("Null characters are not allowed.", code="null_characters")
    async with app.database.connection() as connection:
        row = await find_submission(connection, scope.project.id, parsed)
    if row is None:
        raise NotFound
    return _view(row)


def _id_prefix(text: str | None) -> str | None:
    return (parse_event_id(text) or text.strip().lower().replace("-", "")) if text else None


def _position(cursor: str | None) -> tuple[tuple[datetime, str] | None, bool]:
    decoded = decode_cursor(cursor, 2)
    if decoded is None:
        return None, False
    (micros, submission_id), backward = decoded
    if type(micros) is not int or not isinstance(submission_id, str) or "\x00" in submission_id:
        raise BadRequest("Invalid cursor parameter.", code="invalid_cursor")
    try:
        at = datetime.fromtimestamp(micros // 1_000_000, UTC).replace(microsecond=micros % 1_000_000)
    except (ValueError, OverflowError, OSError) as error:
        raise BadRequest("Invalid cursor parameter.", code="invalid_cursor") from error
    return (at, submission_id), backward


def _cursor(row: Any, *, backward: bool) -> str:
    at: datetime = row.received_at
    micros = int(at.replace(microsecond=0).timestamp()) * 1_000_000 + at.microsecond
    return encode_cursor([micros, row.id], backward=backward)


def _link(request: Request, rows: list[Any], *, backward: bool, more: bool, moved: bool) -> str:
    """Where the neighbours start. Going backward, the page one comes from is known to exist."""
    return link_header(
        str(request.url.replace(query="", fragment="")),
        request.url.query,
        previous=_cursor(rows[0], backward=True) if rows else None,
        has_previous=bool(rows) and (more if backward else moved),
        following=_cursor(rows[-1], backward=False) if rows else None,
        has_next=bool(rows) and (backward or more),
    )


def _view(row: Any) -> SubmissionView:
    return SubmissionView(
        id=row.id,
        source=row.source,
        state=row.state,
        reason=row.reason,
        receivedAt=wire_time(row.received_at),
        feedbackId=row.feedback_id,
        steps=[
            StepView(at=wire_time(datetime.fromisoformat(at)), service=service, step=step, reason=reason)
            for at, service, step, _state, reason, *_ in row.steps
        ],
    )
