"""The list of feedback, of an organization or of one project: pages, direct hits, exports."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from hearback_fleet.access import OrganizationScope
from hearback_kit.api.exports import Format, export_format
from hearback_kit.api.paging import PageRequest
from hearback_kit.errors import BadRequest

from feedback.api.deps import OrganizationReader, ProjectReader, StateDep, serializer_context
from feedback.api.issues.exports import export
from feedback.api.params import Ids, PageDep, QueryText, Shared, SharedDep, issue_ids, select_feedback, visible
from feedback.api.serializers import detail, group
from feedback.domain.context import parse_any_event_id
from feedback.service.app_state import AppState
from feedback.service.select_feedback import select_exactly
from feedback.store.attachments import find_with_attachments
from feedback.store.conditions import of_event, with_ids
from feedback.store.feedback_pages import read_page
from feedback.store.feedback_read import Selection, find_by_short_id, list_by_ids

SORTS = ("date", "new", "inbox", "freq", "user", "trends", "recommended", "priority")
DIRECT_HIT = {"X-Sentry-Direct-Hit": "1"}
Issues = list[dict[str, Any]]

router = APIRouter(prefix="/api/0", tags=["issues"])


@dataclass(frozen=True, slots=True)
class Wanted:
    """The parsed parameters of a list request."""

    shared: Shared
    page: PageRequest
    query: str
    looks_up_short_id: bool
    export: Format | None
    ids: list[str]


async def read_wanted(
    request: Request,
    shared: SharedDep,
    page: PageDep,
    query: QueryText = "",
    sort: Annotated[str, Query(description=f"{', '.join(SORTS)}: all mean newest first.")] = "date",
    short_id_lookup: Annotated[
        str, Query(alias="shortIdLookup", description="`1`: a query that is a short id finds the issue.")
    ] = "0",
    form: Annotated[str | None, Query(alias="format", description="`csv` or `json`: export everything.")] = None,
    ids: Ids = [],  # noqa: B006
) -> Wanted:
    """Read the parameters of the list; raises BadRequest."""
    if sort not in SORTS:
        raise BadRequest(f"Invalid sort: {sort[:100]}", code="invalid_sort")
    chosen = export_format(form, request.headers.get("accept", ""))
    return Wanted(shared, page, query, short_id_lookup in {"1", "true"}, chosen, ids)


WantedDep = Annotated[Wanted, Depends(read_wanted)]


@router.get(
    "/organizations/{organization}/issues/",
    operation_id="listIssues",
    response_model=Issues,
    summary="List feedback that matches a search, newest first",
)
async def list_issues(state: StateDep, scope: OrganizationReader, wanted: WantedDep) -> Response:
    """Return a page of feedback with a `Link` header, or with `format=` the complete list as a stream.

    A query that is an event id returns the error group of that event and the feedback with that id or linked
    to it; time range and environment do not apply.
    """
    return await _list(state, scope, wanted)


@router.get(
    "/projects/{organization}/{project}/issues/",
    operation_id="listProjectIssues",
    response_model=Issues,
    summary="List a project's feedback that matches a search, newest first",
)
async def list_project_issues(state: StateDep, scope: ProjectReader, wanted: WantedDep) -> Response:
    """Return the list restricted to one project."""
    return await _list(state, scope, wanted)


async def _list(state: AppState, scope: OrganizationScope, wanted: Wanted) -> Response:
    if wanted.ids and wanted.export is None:
        return await _by_ids(state, scope, wanted)
    if wanted.looks_up_short_id and (found := await _by_short_id(state, scope, wanted.query)) is not None:
        return found
    event_id = parse_any_event_id(wanted.query.strip())
    if wanted.ids:
        project_ids, numbers = await _named(state, scope, wanted)
        selection = select_exactly(scope.organization, project_ids, with_ids(numbers))
    elif event_id is None:
        selection = await select_feedback(state, scope, wanted.query, wanted.shared)
    else:
        project_ids = scope.project_ids(wanted.shared.projects)
        selection = select_exactly(scope.organization, project_ids, of_event(event_id))
    if wanted.export is not None:
        return export(state, scope, selection, wanted.export)
    group_of_event = None
    if event_id is not None and wanted.page.position is None:
        group_of_event = await state.error_events.find_group(scope.organization.id, project_ids, event_id)
    return await _page(
        state, scope, selection, wanted.page, names_event=event_id is not None, group_of_event=group_of_event
    )


async def _page(
    state: AppState,
    scope: OrganizationScope,
    selection: Selection,
    wanted: PageRequest,
    *,
    names_event: bool,
    group_of_event: dict[str, Any] | None,
) -> Response:
    async with state.reading(scope.organization) as connection:
        found = await read_page(connection, selection, wanted.window, hits_max=state.settings.hits_max)
        page = wanted.page(found.rows, lambda row: (row.first_seen, row.id))
        attached = await find_with_attachments(connection, page.rows)
    context = await serializer_context(state, scope.organization, page.rows, attached)
    errors = [] if group_of_event is None else [group_of_event]
    hits = (found.hits or 0) + len(errors)
    headers = {**page.headers, "X-Hits": str(hits), "X-Max-Hits": str(state.settings.hits_max)}
    if names_event and hits == 1:
        headers |= DIRECT_HIT
    return JSONResponse([*errors, *(group(row, context) for row in page.rows)], headers=headers)


async def _by_ids(state: AppState, scope: OrganizationScope, wanted: Wanted) -> Response:
    project_ids, numbers = await _named(state, scope, wanted)
    async with state.reading(scope.organization) as connection:
        rows = await list_by_ids(connection, project_ids, numbers)
        attached = await find_with_attachments(connection, rows)
    context = await serializer_context(state, scope.organization, rows, attached)
    return JSONResponse([group(row, context) for row in rows], headers={"X-Hits": str(len(rows))})


async def _named(state: AppState, scope: OrganizationScope, wanted: Wanted) -> tuple[Sequence[int], Sequence[int]]:
    """Return the projects and the issues that ids name; none where feedback is hidden."""
    project_ids = scope.project_ids(wanted.shared.projects)
    return project_ids, await issue_ids(state, scope.organization, wanted.ids) if visible(scope) else []


async def _by_short_id(state: AppState, scope: OrganizationScope, query: str) -> Response | None:
    if not visible(scope) or not query.strip() or " " in query.strip():
        return None
    async with state.reading(scope.organization) as connection:
        row = await find_by_short_id(connection, [scope.organization.id], query.strip())
        attached = await find_with_attachments(connection, [row]) if row is not None else set()
    if row is None or row.project_id not in scope.project_ids(None):
        return None
    context = await serializer_context(state, scope.organization, [row], attached)
    return JSONResponse([detail(row, context)], headers={**DIRECT_HIT, "X-Hits": "1"})
