"""GET …/user-feedback/ of a project, an organization, an issue (reference: feedback-backend 4.6 to 4.8)."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from hearback_contracts.config import OrganizationConfig
from hearback_fleet.access import (
    EVENT_READ,
    PROJECT_READ,
    OrganizationScope,
    access_of,
    find_organization,
    find_project,
    organization_scope,
    principal_of,
    require,
)

from user_reports.api.credentials import dsn_of
from user_reports.api.exports import csv_response, json_response
from user_reports.api.groups import find_own_group, parse_id
from user_reports.api.parameters import OBJECT, Filters, FiltersOf, Page, PageOf, SpanOf
from user_reports.api.place import Here, Place
from user_reports.api.shapes import report_json, with_issues
from user_reports.store.queries.groups import find_groups
from user_reports.store.queries.lists import ReportFilter, list_reports

_LISTED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Reports, newest first; the `Link` header leads to other pages.",
        "content": {
            "application/json": {"schema": {"type": "array", "items": {"type": "object"}}},
            "text/csv": {"schema": {"type": "string"}},
        },
    },
    400: {"description": "A parameter is wrong.", "content": {"application/json": {"schema": OBJECT}}},
    401: {"description": "No credentials; empty for a DSN."},
}


def router() -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["reports"])

    @routes.get(
        "/api/0/projects/{organization}/{project}/user-feedback/",
        operation_id="listProjectReports",
        summary="The reports of a project",
        responses=_LISTED,
    )
    async def list_of_project(
        request: Request, here: Here, organization: str, project: str, filters: FiltersOf, page: PageOf
    ) -> Response:
        if dsn_of(request) is not None:
            return Response(status_code=401)
        principal = await principal_of(request)
        access = access_of(request)
        config = await find_organization(access, organization)
        require(principal, config.id, PROJECT_READ)
        found = await find_project(access, config, project)
        days = await here.projects.retention_days(found.id) or here.settings.retention_days
        oldest = here.clock.now() - timedelta(days=min(days, here.settings.retention_days))
        wanted = ReportFilter(project_ids=[found.id], start=oldest, **_filters(filters))
        return await _list(request, here, wanted, filters, page, config)

    @routes.get(
        "/api/0/organizations/{organization}/user-feedback/",
        operation_id="listOrganizationReports",
        summary="The reports of an organization's projects",
        responses=_LISTED,
    )
    async def list_of_organization(
        request: Request,
        here: Here,
        filters: FiltersOf,
        page: PageOf,
        span: SpanOf,
        scope: Annotated[OrganizationScope, organization_scope(*PROJECT_READ)],
        project: Annotated[list[str] | None, Query(description="Ids or slugs; -1 or none means all.")] = None,
    ) -> Response:
        wanted = ReportFilter(
            organization_id=scope.organization.id,
            project_ids=scope.project_ids(project),
            start=span.start,
            end=span.end,
            **_filters(filters),
        )
        return await _list(request, here, wanted, filters, page, scope.organization)

    _issue_routes(routes)
    return routes


def _issue_routes(routes: APIRouter) -> None:
    @routes.get(
        "/api/0/organizations/{organization}/issues/{issue}/user-reports/",
        operation_id="listIssueReports",
        summary="The reports about an issue's events",
        responses=_LISTED,
    )
    async def list_of_issue(
        request: Request,
        here: Here,
        issue: str,
        page: PageOf,
        scope: Annotated[OrganizationScope, organization_scope(*EVENT_READ)],
        environment: Annotated[list[str] | None, Query()] = None,
    ) -> Response:
        number = parse_id(issue)
        if number % 2:
            await find_own_group(here, number, scope.organization.id)
        return await _list_issue(request, here, number, scope.organization, environment, page)

    @routes.get(
        "/api/0/issues/{issue}/user-reports/",
        operation_id="listIssueReportsLegacy",
        summary="The reports about an issue's events (older path)",
        responses=_LISTED,
    )
    async def list_of_issue_legacy(
        request: Request,
        here: Here,
        issue: str,
        page: PageOf,
        environment: Annotated[list[str] | None, Query()] = None,
    ) -> Response:
        principal = await principal_of(request)
        number = parse_id(issue)
        if not number % 2:
            return JSONResponse([])
        group = await find_own_group(here, number, *principal.tenants)
        require(principal, group.organization_id, EVENT_READ)
        organization = await find_organization(access_of(request), str(group.organization_id))
        return await _list_issue(request, here, number, organization, environment, page)


async def _list_issue(
    request: Request,
    here: Place,
    issue: int,
    organization: OrganizationConfig,
    environments: list[str] | None,
    page: Page,
) -> Response:
    """Reports without their issue; a feedback issue has none of its own."""
    wanted = ReportFilter(organization_id=organization.id, group_id=issue, environments=environments)
    async with here.database.connection() as connection:
        found = await list_reports(
            connection, wanted, limit=page.per_page + 1, position=page.position, backward=page.backward
        )
    rows, link = page.link(request, found)
    now = here.clock.now()
    return JSONResponse([report_json(report, now) for report in rows], headers={"Link": link})


def _filters(filters: Filters) -> dict[str, Any]:
    return {
        "linked": filters.linked,
        "status": filters.status,
        "environments": filters.environments,
        "text": filters.text,
    }


async def _list(
    request: Request,
    here: Place,
    wanted: ReportFilter,
    filters: Filters,
    page: Page,
    organization: OrganizationConfig,
) -> Response:
    if filters.export == "csv":
        return csv_response(here, wanted, organization)
    if filters.export == "json":
        return json_response(here, wanted, organization)
    async with here.database.connection() as connection:
        found = await list_reports(
            connection, wanted, limit=page.per_page + 1, position=page.position, backward=page.backward
        )
        rows, link = page.link(request, found)
        groups = await find_groups(connection, [row.group_id for row in rows if row.group_id])
    now, url = here.clock.now(), here.settings.public_url
    shapes = with_issues(rows, groups, organization, now=now, public_url=url)
    return JSONResponse(shapes, headers={"Link": link})
