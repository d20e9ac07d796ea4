"""Bulk requests: count, change and delete the feedback that ids or a search select."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from hearback_contracts.routes import is_error_group
from hearback_fleet.access import OrganizationScope
from hearback_fleet.audit import audit_of
from hearback_kit.errors import BadRequest
from hearback_kit.values.ids import new_id

from feedback.api.deps import OrganizationDeleter, OrganizationReader, OrganizationWriter, StateDep
from feedback.api.issues.bodies import Changes, columns_of, echo
from feedback.api.params import Ids, QueryText, Shared, SharedDep, issue_ids, select_feedback, visible
from feedback.service.app_state import AppState
from feedback.service.delete_feedback import delete_by_id
from feedback.service.triage_issues import OrganizationMember, change_by_id, find_chunks, split
from feedback.store.search_reading import count_matches

router = APIRouter(prefix="/api/0/organizations/{organization}", tags=["issues"])


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
            counts[query] = await count_matches(connection, selection, state.settings.count_max)
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
    found, change_id = 0, new_id()
    async for chunk in _chunks(state, scope, shared, ids, query):
        counted = await change_by_id(
            state.unit_of_work, state.spam_prior, member, projects, chunk, columns, change_id
        )
        found += counted.found
    if not found:
        return Response(status_code=204)
    return JSONResponse(echo(changes, columns, scope.organization))


@router.delete(
    "/issues/", operation_id="deleteIssues", status_code=204, response_class=Response, summary="Delete many issues"
)
async def delete_issues(
    request: Request,
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
    audit = await audit_of(request, scope)
    async for chunk in _chunks(state, scope, shared, ids, query):
        await delete_by_id(state.unit_of_work, audit, projects, chunk)
    return Response(status_code=204)


async def _chunks(
    state: AppState, scope: OrganizationScope, shared: Shared, ids: list[str], query: str
) -> AsyncIterator[Sequence[int]]:
    """Yield the ids that a bulk request selects, by id or by search; raise BadRequest before the first."""
    if ids:
        if error_group := next((one for one in ids if is_error_group(one)), None):
            raise BadRequest(
                f"{error_group} is an error group: only feedback can be changed many at a time.",
                code="not_feedback",
                field="id",
            )
        numbers = await issue_ids(state, scope.organization, ids)
        for named in split(numbers if visible(scope) else []):
            yield named
        return
    async for chunk in find_chunks(state.database, await select_feedback(state, scope, query, shared)):
        yield chunk
