"""DELETE …/user-feedback/: one report, or all that one address wrote.

Only reports are deleted here. The feedback that a linked report became is the feedback service's, and stays
until it is deleted there; the journal says of both what happened.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from hearback_contracts.outcomes import Outcome, SubmissionState
from hearback_contracts.reasons import Reason
from hearback_fleet.access import PROJECT_WRITE, ProjectScope, project_scope
from hearback_kit.errors import BadRequest, NotFound

from user_reports.api.groups import parse_id
from user_reports.api.parameters import without_nul
from user_reports.api.place import Here
from user_reports.domain.model import Report
from user_reports.store.queries.deletions import note_deleted
from user_reports.store.queries.reports import delete_chosen, delete_report, select_by_email
from user_reports.store.telling import Telling

CHUNK_ROWS = 500


def router() -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["reports"])

    @routes.delete(
        "/api/0/projects/{organization}/{project}/user-feedback/{report}/",
        operation_id="deleteReport",
        summary="Delete a report",
        status_code=204,
    )
    async def delete_one(
        here: Here, report: str, scope: Annotated[ProjectScope, project_scope(*PROJECT_WRITE)]
    ) -> Response:
        telling = here.telling()
        async with here.database.transaction() as connection:
            deleted = await delete_report(connection, scope.project.id, parse_id(report))
            if deleted is None:
                raise NotFound
            _tell(telling, deleted)
            await note_deleted(connection, [deleted], here.clock.now())
            await telling.write(connection)
        return Response(status_code=204)

    @routes.delete(
        "/api/0/projects/{organization}/{project}/user-feedback/",
        operation_id="deleteReportsOfAddress",
        summary="Delete every report of an e-mail address",
    )
    async def delete_of_address(
        request: Request,
        here: Here,
        scope: Annotated[ProjectScope, project_scope(*PROJECT_WRITE)],
        email: Annotated[str, Query(description="The address; upper and lower case are one.")] = "",
    ) -> JSONResponse:
        without_nul(request)
        if not email.strip():
            raise BadRequest("email is required.", code="email_required")
        count = 0
        while True:
            telling = here.telling()
            async with here.database.transaction() as connection:
                chosen = select_by_email(scope.project.id, email.strip(), CHUNK_ROWS)
                deleted = await delete_chosen(connection, chosen)
                for report in deleted:
                    _tell(telling, report)
                await note_deleted(connection, deleted, here.clock.now())
                await telling.write(connection)
            count += len(deleted)
            if len(deleted) < CHUNK_ROWS:
                return JSONResponse({"deleted": count})

    return routes


def _tell(telling: Telling, report: Report) -> None:
    if report.group_id is None:
        telling.count(report, Outcome.INVALID, Reason.DELETED)
        telling.step(report, SubmissionState.DROPPED, "deleted", Reason.DELETED)
    else:
        telling.step(report, SubmissionState.LINKED, "deleted", Reason.DELETED)
