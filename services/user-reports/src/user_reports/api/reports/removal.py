"""DELETE …/user-feedback/: one report, or all reports of an e-mail address."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from hearback_fleet.access import PROJECT_WRITE, ProjectScope, project_scope
from hearback_fleet.audit import audit_of
from hearback_kit.errors import BadRequest, NotFound
from hearback_kit.values.ids import parse_id

from user_reports.api.deps import StateDep
from user_reports.service.delete_reports import delete_of_address, delete_one

router = APIRouter()


@router.delete(
    "/api/0/projects/{organization}/{project}/user-feedback/{report}/",
    operation_id="deleteReport",
    summary="Delete a report",
    status_code=204,
)
async def delete_report(
    request: Request, state: StateDep, report: str, scope: Annotated[ProjectScope, project_scope(*PROJECT_WRITE)]
) -> Response:
    """Delete a report of the project; the feedback it became stays."""
    report_id = parse_id(report)
    audit = await audit_of(request, scope)
    if report_id is None or not await delete_one(state, audit, scope.project, report_id):
        raise NotFound
    return Response(status_code=204)


@router.delete(
    "/api/0/projects/{organization}/{project}/user-feedback/",
    operation_id="deleteReportsOfAddress",
    summary="Delete every report of an e-mail address",
)
async def delete_reports_of_address(
    request: Request,
    state: StateDep,
    scope: Annotated[ProjectScope, project_scope(*PROJECT_WRITE)],
    email: Annotated[str, Query(description="The address; upper and lower case are one.")] = "",
) -> JSONResponse:
    """Delete every report from an address, given in the report or by its event's user."""
    if not email.strip():
        raise BadRequest("email is required.", code="email_required")
    audit = await audit_of(request, scope)
    return JSONResponse({"deleted": await delete_of_address(state, audit, scope.project, email.strip())})
