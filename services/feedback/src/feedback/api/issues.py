"""The list of feedback: pages, counts, exports, changes of many."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from hearback_fleet.access import EVENT_DELETE, EVENT_READ, EVENT_WRITE, OrganizationScope, organization_scope
from hearback_kit.errors import BadRequest
from hearback_kit.pages import link_header

from feedback.api.bulk import change_many, remove_many
from feedback.api.changes import Changes
from feedback.api.exports import as_csv, as_json, wanted_format
from feedback.api.parameters import (
    QueryText,
    SharedFilters,
    read_cursor,
    read_search,
    select_feedback,
    visible,
    write_cursor,
)
from feedback.api.shapes import detail, group
from feedback.api.surroundings import running, surroundings
from feedback.store.attachments import find_with_attachments
from feedback.store.pages import read_page
from feedback.store.queries import Selection, count, find_by_short_id, list_by_ids

SORTS = ("date", "new", "inbox", "freq", "user", "trends", "recommended", "priority")
Reader = Annotated[OrganizationScope, organization_scope(*EVENT_READ)]
Writer = Annotated[OrganizationScope, organization_scope(*EVENT_WRITE)]
Deleter = Annotated[OrganizationScope, organization_scope(*EVENT_DELETE)]
Ids = Annotated[list[str], Query(alias="id", description="Ids of issues.", max_length=10_000)]
Issues = list[dict[str, Any]]


def issue_routes() -> APIRouter:
    """Routes under `/api/0/organizations/{organization}/issues/`."""
    router = APIRouter(prefix="/api/0/organizations/{organization}", tags=["issues"])
    router.add_api_route(
        "/issues/", list_issues, methods=["GET"], operation_id="listIssues", response_model=Issues,
        summary="Feedback that meets a search, newest first",
    )  # fmt: skip
    router.add_api_route(
        "/issues/", change_issues, methods=["PUT"], operation_id="updateIssues",
        response_model=dict[str, Any], summary="Change many", responses={204: {"description": "None was found."}},
    )  # fmt: skip
    router.add_api_route(
        "/issues/", remove_issues, methods=["DELETE"], operation_id="deleteIssues", status_code=204,
        response_class=Response, summary="Delete many",
    )  # fmt: skip
    router.add_api_route(
        "/issues-count/", count_issues, methods=["GET"], operation_id="countIssues",
        response_model=dict[str, int], summary="How many issues meet each search",
    )  # fmt: skip
    return router


async def list_issues(
    request: Request,
    scope: Reader,
    shared: SharedFilters,
    query: QueryText = "",
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int | None, Query(ge=1, le=1_000_000, description="Rows of the page.")] = None,
    per_page: Annotated[int | None, Query(ge=1, le=1_000_000, description="Another name of `limit`.")] = None,
    sort: Annotated[str, Query(description="All of Sentry's sorts mean newest first.")] = "date",
    short_id_lookup: Annotated[str, Query(alias="shortIdLookup")] = "0",
    form: Annotated[str | None, Query(alias="format", description="`csv` or `json`: everything.")] = None,
    ids: Ids = [],  # noqa: B006
) -> Response:
    """A page of feedback with a `Link` header, or with `format=` everything as a stream."""
    if sort not in SORTS:
        raise BadRequest(f"Invalid sort: {sort[:100]}", code="invalid_sort")
    parts = running(request)
    if ids:
        return await _by_ids(request, scope, ids)
    if short_id_lookup in {"1", "true"} and (found := await _direct_hit(request, scope, query)) is not None:
        return found
    search = read_search(query, parts.clock.now(), parts.settings)
    selection = select_feedback(scope, search, shared)
    exported = wanted_format(form, request.headers.get("accept", ""))
    if exported is not None:
        write = as_csv if exported == "csv" else as_json
        media = "text/csv; charset=utf-8" if exported == "csv" else "application/json"
        headers = {"Content-Disposition": f'attachment; filename="feedback.{exported}"'}
        return StreamingResponse(write(request, scope, selection), media_type=media, headers=headers)
    size = min(limit or per_page or parts.settings.page_size, parts.settings.page_size_max)
    return await _page(request, scope, selection, cursor, size)


async def _page(
    request: Request, scope: OrganizationScope, selection: Selection, cursor: str | None, size: int
) -> Response:
    parts = running(request)
    position, backward = read_cursor(cursor)
    async with parts.database.connection() as connection:
        page = await read_page(
            connection, selection, size + 1, position, backward=backward, hits_max=parts.settings.hits_max
        )
        more = page.is_full
        rows = page.rows[-size:] if backward else page.rows[:size]
        attached = await find_with_attachments(connection, rows)
    around = await surroundings(request, scope.organization, rows, attached)
    headers = {
        "Link": link_header(
            parts.settings.public_url.rstrip("/") + request.url.path,
            request.url.query,
            previous=write_cursor(rows[0], backward=True) if rows else cursor,
            has_previous=bool(rows) and (more if backward else position is not None),
            following=write_cursor(rows[-1]) if rows else cursor,
            has_next=bool(rows) and (True if backward else more),
        ),
        "X-Hits": str(page.hits),
        "X-Max-Hits": str(parts.settings.hits_max),
    }
    return JSONResponse([group(row, around) for row in rows], headers=headers)


async def _by_ids(request: Request, scope: OrganizationScope, ids: list[str]) -> Response:
    parts = running(request)
    numbers = issue_numbers(ids, parts.settings.bulk_rows_max) if visible(scope) else []
    async with parts.database.connection() as connection:
        rows = await list_by_ids(connection, scope.organization.id, numbers)
        attached = await find_with_attachments(connection, rows)
    around = await surroundings(request, scope.organization, rows, attached)
    return JSONResponse([group(row, around) for row in rows], headers={"X-Hits": str(len(rows))})


async def _direct_hit(request: Request, scope: OrganizationScope, query: str) -> Response | None:
    if not visible(scope) or not query.strip() or " " in query.strip():
        return None
    async with running(request).database.connection() as connection:
        row = await find_by_short_id(connection, scope.organization.id, query.strip())
        attached = await find_with_attachments(connection, [row]) if row is not None else set()
    if row is None:
        return None
    around = await surroundings(request, scope.organization, [row], attached)
    return JSONResponse([detail(row, around)], headers={"X-Sentry-Direct-Hit": "1", "X-Hits": "1"})


async def count_issues(
    request: Request,
    scope: Reader,
    shared: SharedFilters,
    queries: Annotated[list[str], Query(alias="query", max_length=20)] = [],  # noqa: B006
) -> dict[str, int]:
    """The number of issues per query, under the query's text."""
    parts = running(request)
    counts: dict[str, int] = {}
    async with parts.database.connection() as connection:
        for query in dict.fromkeys(queries):
            search = read_search(query, parts.clock.now(), parts.settings)
            counts[query] = await count(connection, select_feedback(scope, search, shared))
    return counts


def issue_numbers(ids: list[str], count_max: int) -> list[int]:
    """Issue ids as numbers; raises BadRequest for what is none, or too many."""
    if len(ids) > count_max:
        raise BadRequest(f"At most {count_max} ids at a time.", code="too_many_ids")
    if not all(text.isascii() and text.isdigit() and len(text) < 20 for text in ids):
        raise BadRequest("Invalid id.", code="invalid_id")
    return [number for number in map(int, ids) if number < 1 << 63]


async def change_issues(
    request: Request,
    scope: Writer,
    shared: SharedFilters,
    changes: Changes,
    ids: Ids = [],  # noqa: B006
    query: QueryText = "",
) -> Response:
    """Change the issues with these ids, or all that meet a search; answers with what was changed."""
    numbers = issue_numbers(ids, running(request).settings.bulk_rows_max) if ids else None
    return await change_many(request, scope, shared, numbers, query, changes)


async def remove_issues(
    request: Request,
    scope: Deleter,
    shared: SharedFilters,
    ids: Ids = [],  # noqa: B006
    query: QueryText = "",
) -> Response:
    """Delete the issues with these ids, or all that meet a search."""
    numbers = issue_numbers(ids, running(request).settings.bulk_rows_max) if ids else None
    await remove_many(request, scope, shared, numbers, query)
    return Response(status_code=204)
