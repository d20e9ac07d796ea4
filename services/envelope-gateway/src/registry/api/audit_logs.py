"""The audit log of an organization."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from hearback_contracts.audit import AuditEvent
from hearback_fleet.access import ORGANIZATION_WRITE
from hearback_kit.api.paging import PageRequest, page_request, read_id, read_time
from hearback_kit.errors import BadRequest
from hearback_kit.values.ids import parse_id

from registry.api import serializers
from registry.api.deps import Authority, StateDep, organization_scope
from registry.api.params import PAGE_ROWS_MAX
from registry.store.audit_logs import AuditLogFilter, list_entries, position

router = APIRouter(prefix="/api/0/organizations/{organization}/audit-logs", tags=["organizations"])

AuditPageDep = Annotated[PageRequest, page_request(read_time, read_id, rows=PAGE_ROWS_MAX, rows_max=PAGE_ROWS_MAX)]


@router.get("/", operation_id="listAuditLogs", summary="List who changed what, and when")
async def list_all(
    scope: Annotated[Authority, organization_scope(*ORGANIZATION_WRITE)],
    state: StateDep,
    page: AuditPageDep,
    response: Response,
    event: Annotated[str | None, Query(description="Only this event, such as `org.edit`.", max_length=64)] = None,
    actor: Annotated[
        str | None, Query(description="Only changes of the user with this id.", max_length=20)
    ] = None,
) -> serializers.AuditLogs:
    wanted = AuditLogFilter(event, None if actor is None else _user_id(actor))
    found = page.page(
        await state.database.read(list_entries, scope.organization.id, wanted, page.window), position
    )
    response.headers.update(found.headers)
    return serializers.AuditLogs(
        rows=[serializers.audit_log_entry(row) for row in found.rows],
        options=[event.value for event in AuditEvent],
    )


def _user_id(text: str) -> int:
    found = parse_id(text)
    if found is None:
        raise BadRequest("actor must be the id of a user.", code="invalid")
    return found
