"""The list of feedback: pages, counts, exports, bulk changes."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from hearback_fleet.access import OrganizationScope
from hearback_kit.api.exports import export_format
from hearback_kit.api.paging import PageRequest
from hearback_kit.errors import BadRequest

from feedback.api.deps import AppState, OrganizationDeleter, OrganizationReader, OrganizationWriter, StateDep
from feedback.api.issues.bodies import Changes, columns_of, echo
from feedback.api.issues.exports import as_csv, as_json
from feedback.api.params import (
    Ids,
    PageDep,
    QueryText,
    Shared,
    SharedDep,
    issue_ids,
    position_of,
    select_feedback,
    visible,
)
from feedback.api.serializers import detail, group
from feedback.service.delete_feedback import delete_by_id
from feedback.service.triage_issues import OrganizationMember, change_by_id, find_chunks, split
from feedback.store.attachments import find_with_attachments
from feedback.store.feedback_pages import read_page
from feedback.store.feedback_read import Selection, count_feedback, find_by_short_id, list_by_ids

SORTS = ("date", "new", "inbox", "freq", "user", "trends", "recommended", "priority")
Issues = list[dict[str, Any]]

router = APIRouter(prefix="/api/0/organizations/{organization}", tags=["issues"])


@router.get(
    "/issues/",
    operation_id="listIssues",
    response_model=Issues,
    summary="List feedback that matches a search, newest first",
)
async def list_issues(
    request: Request,
    state: StateDep,
    scope: OrganizationReader,
    shared: SharedDep,
    page: PageDep,
    query: QueryText = "",
    sort: Annotated[str, Query(description="All of Sentry's sorts mean newest first.")] = "date",
    short_id_lookup: Annotated[str, Query(alias="shortIdLookup")] = "0",
    form: Annotated[str | None, Query(alias="format", description="`csv` or `json`: export everything.")] = None,
    ids: Ids = [],  # noqa: B006
) -> Response:
    """Return a page of feedback with a `Link` header, or with `format=` everything as a stream."""
    if sort not in SORTS:
        raise BadRequest(f"Invalid sort: {sort[:100]}", code="invalid_sort")
    if ids:
        return await _by_ids(state, scope, ids)
    if short_id_lookup in {"1", "true"} and (found := await _direct_hit(state, scope, query)) is not None:
        return found
    selection = await select_feedback(state, scope, query, shared)
    exported = export_format(form, request.headers.get("accept", ""))
    if exported == "csv":
        return as_csv(state, scope, selection)
    if exported == "json":
        return as_json(state, scope, selection)
    return await _page(state, scope, selection, page)


async def _page(state: AppState, scope: OrganizationScope, selection: Selection, wanted: PageRequest) -> Response:
    async with state.reading(scope.organization) as connection:
        found = await read_page(
            connection,
            selection,
            wanted.fetch,
            position_of(wanted),
            backward=wanted.backward,
            hits_max=state.settings.hits_max,
        )
        page = wanted.page(found.rows, lambda row: (row.first_seen, row.id))
        attached = await find_with_attachments(connection, page.rows)
    context = await state.serializer_context(scope.organization, page.rows, attached)
    headers = {**page.headers, "X-Hits": str(found.hits), "X-Max-Hits": str(state.settings.hits_max)}
    return JSONResponse([group(row, context) for row in page.rows], headers=headers)


async def _by_ids(state: AppState, scope: OrganizationScope, ids: list[str]) -> Response:
    numbers = await issue_ids(state, scope.organization, ids) if visible(scope) else []
    async with state.reading(scope.organization) as connection:
        rows = await list_by_ids(connection, scope.organization.id, numbers)
        attached = await find_with_attachments(connection, rows)
    context = await state.serializer_context(scope.organization, rows, attached)
    return JSONResponse([group(row, context) for row in rows], headers={"X-Hits": str(len(rows))})


async def _direct_hit(state: AppState, scope: OrganizationScope, query: str) -> Response | None:
    if not visible(scope) or not query.strip() or " " in query.strip():
        return None
    async with state.reading(scope.organization) as connection:
        row = await find_by_short_id(connection, [scope.organization.id], query.strip())
        attached = await find_with_attachments(connection, [row]) if row is not None else set()
    if row is None:
        return None
    context = await state.serializer_context(scope.organization, [row], attached)
    return JSONResponse([detail(row, context)], headers={"X-Sentry-Direct-Hit": "1", "X-Hits": "1"})


@router.get(
    "/issues-count/",
    operation_id="countIssues",
    response_model=dict[str, int],
    summary="Count the issues that match each search",
)
async def count_issues(
    state: StateDep,
    scope: OrganizationReader,
    shared: SharedDep,
    queries: Annotated[list[str], Query(alias="query", max_length=20)] = [],  # noqa: B006
) -> dict[str, int]:
    """Return the number of issues per query, under the query's text; it counts up to a bound."""
    selections = {query: await select_feedback(state, scope, query, shared) for query in dict.fromkeys(queries)}
    counts: dict[str, int] = {}
    async with state.reading(scope.organization) as connection:
        for query, selection in selections.items():
            counts[query] = await count_feedback(connection, selection, state.settings.count_max)
    return counts


@router.put(
    "/issues/",
    operation_id="updateIssues",
    response_model=dict[str, Any],
    summary="Change many issues",
    responses={204: {"description": "None was found."}},
)
async def change_issues(
    state: StateDep,
    scope: OrganizationWriter,
    shared: SharedDep,
    changes: Changes,
    ids: Ids = [],  # noqa: B006
    query: QueryText = "",
) -> Response:
    """Change the issues with these ids, or all that match a search; return what was changed."""
    columns = columns_of(changes, scope.organization)
    projects = scope.project_ids(shared.projects)
    member = OrganizationMember(scope.organization, scope.principal.email)
    changed = 0
    async for chunk in _chunks(state, scope, shared, ids, query):
        changed += await change_by_id(state.unit_of_work, state.spam_prior, member, projects, chunk, columns)
    if not changed:
        return Response(status_code=204)
    return JSONResponse(echo(changes, columns, scope.organization))


@router.delete(
    "/issues/",
    operation_id="deleteIssues",
    status_code=204,
    response_class=Response,
    summary="Delete many issues",
)
async def delete_issues(
    state: StateDep,
    scope: OrganizationDeleter,
    shared: SharedDep,
    ids: Ids = [],  # noqa: B006
    query: QueryText = "",
) -> Response:
    """Delete the issues with these ids, or all that match a search."""
    if not ids and not query.strip():
        raise BadRequest("Name the issues by id or by a query.", code="nothing_named")
    projects = scope.project_ids(shared.projects)
    async for chunk in _chunks(state, scope, shared, ids, query):
        await delete_by_id(state.unit_of_work, scope.organization.id, projects, chunk)
    return Response(status_code=204)


async def _chunks(
    state: AppState, scope: OrganizationScope, shared: Shared, ids: list[str], query: str
) -> AsyncIterator[Sequence[int]]:
    """Yield the ids that a bulk request means, by id or by search."""
    if ids:
        numbers = await issue_ids(state, scope.organization, ids)
        for named in split(numbers if visible(scope) else []):
            yield named
        return
    async for chunk in find_chunks(state.database, await select_feedback(state, scope, query, shared)):
        yield chunk
