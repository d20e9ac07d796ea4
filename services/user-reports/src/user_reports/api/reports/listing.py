"""GET …/user-feedback/ of a project and an organization, GET …/user-reports/ of an issue."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from hearback_contracts.config import OrganizationConfig
from hearback_contracts.issues import UserReportShape
from hearback_fleet.access import (
    PROJECT_READ,
    OrganizationScope,
    access_of,
    find_organization,
    find_project,
    organization_scope,
    principal_of,
    require,
)
from hearback_fleet.issues import under_both_paths
from hearback_kit.api.exports import Format
from hearback_kit.api.paging import KeysetPage, PageRequest
from msgspec.structs import replace

from user_reports.api.deps import ReadIssue, StateDep, dsn_of
from user_reports.api.params import EnvironmentsParam, FilterDep, FormatDep, PageDep, ProjectsParam
from user_reports.api.reports.exports import export
from user_reports.api.serializers import report_json, reports_json
from user_reports.domain.model import Report
from user_reports.errors import DsnNotEnough
from user_reports.service.app_state import AppState
from user_reports.store.groups import find_groups
from user_reports.store.report_lists import ReportFilter, list_reports

router = APIRouter()
_issue = APIRouter(prefix="/issues/{issue}")
_LISTED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Reports, newest first; the `Link` header leads to other pages.",
        "content": {"text/csv": {"schema": {"type": "string"}}},
    },
    400: {"description": "A parameter is wrong.", "content": {"application/json": {"schema": {"type": "object"}}}},
    401: {"description": "No credentials; empty for a DSN."},
}


@router.get(
    "/api/0/projects/{organization}/{project}/user-feedback/",
    operation_id="listProjectReports",
    summary="The reports of a project",
    responses=_LISTED,
    response_model=list[UserReportShape],
)
async def list_project_reports(
    request: Request,
    state: StateDep,
    organization: str,
    project: str,
    filtered: FilterDep,
    chosen: FormatDep,
    page: PageDep,
) -> Response:
    """List a project's reports within its retention."""
    if dsn_of(request) is not None:
        raise DsnNotEnough
    principal = await principal_of(request)
    access = access_of(request)
    config = await find_organization(access, organization)
    require(principal, config.id, PROJECT_READ)
    found = await find_project(access, config, project)
    days = await state.projects.retention_days(found.id) or state.settings.retention_days
    oldest = state.clock.now() - timedelta(days=min(days, state.settings.retention_days))
    start = max(oldest, filtered.start or oldest)
    wanted = replace(filtered, project_ids=[found.id], start=start)
    return await _list(state, wanted, chosen, page, config)


@router.get(
    "/api/0/organizations/{organization}/user-feedback/",
    operation_id="listOrganizationReports",
    summary="The reports of an organization's projects",
    responses=_LISTED,
    response_model=list[UserReportShape],
)
async def list_organization_reports(
    state: StateDep,
    filtered: FilterDep,
    chosen: FormatDep,
    page: PageDep,
    scope: Annotated[OrganizationScope, organization_scope(*PROJECT_READ)],
    project: ProjectsParam = None,
) -> Response:
    """List the reports of some or all projects of an organization."""
    organization_id, project_ids = scope.organization.id, scope.project_ids(project)
    wanted = replace(filtered, organization_id=organization_id, project_ids=project_ids)
    return await _list(state, wanted, chosen, page, scope.organization)


@_issue.get(
    "/user-reports/",
    name="listIssueReports",
    summary="The reports about an issue's events",
    responses=_LISTED,
    response_model=list[UserReportShape],
)
async def list_issue_reports(
    state: StateDep, scope: ReadIssue, page: PageDep, environment: EnvironmentsParam = None
) -> Response:
    """List the reports of an error group; a feedback issue has none of its own."""
    if scope is None:
        return JSONResponse([])
    wanted = ReportFilter(organization_id=scope.organization.id, group_id=scope.group.id, environments=environment)
    found = await _read_page(state, scope.organization, wanted, page)
    now = state.clock.now()
    return JSONResponse([report_json(report, now) for report in found.rows], headers=found.headers)


async def _list(
    state: AppState,
    wanted: ReportFilter,
    chosen: Format | None,
    page: PageRequest,
    organization: OrganizationConfig,
) -> Response:
    if chosen is not None:
        return export(state, wanted, organization, chosen)
    found = await _read_page(state, organization, wanted, page)
    return JSONResponse(await with_issues(state, found.rows, organization), headers=found.headers)


async def with_issues(
    state: AppState, reports: Sequence[Report], organization: OrganizationConfig
) -> list[dict[str, Any]]:
    """Return reports as JSON, each with its error group."""
    async with state.database.connection(share=organization.id) as connection:
        groups = await find_groups(connection, [report.group_id for report in reports if report.group_id])
    return reports_json(state, reports, groups, organization)


async def _read_page(
    state: AppState, organization: OrganizationConfig, wanted: ReportFilter, page: PageRequest
) -> KeysetPage[Report]:
    async with state.database.connection(share=organization.id) as connection:
        found = await list_reports(connection, wanted, page.window)
    return page.page(found, lambda report: report.position)


router.include_router(under_both_paths(_issue))
