"""The audit log: who changed what, and when."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from hearback_contracts.audit import AuditEvent
from hearback_kit.api.paging import PageRequest, page_request, read_id, read_time

from registry.domain.audit import note_of
from registry.pages.deps import ROWS, OrganizationWriteDep, listing
from registry.store.audit_logs import AuditLogFilter, list_entries, position

router = APIRouter(include_in_schema=False)


@router.get("/settings/{organization}/audit-log/")
async def show(
    page: Annotated[PageRequest, page_request(read_time, read_id, rows=ROWS, rows_max=ROWS)],
    scope: OrganizationWriteDep,
    event: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """Show a page of the log, the newest entry first."""
    rows = await scope.state.database.read(
        list_entries, scope.organization.id, AuditLogFilter(event or None), page.window
    )
    shown = listing(page, rows, position)
    return scope.render(
        "audit_log.html",
        **shown,
        notes={row.id: note_of(row.event, row.data) for row in shown["rows"]},
        events=[known.value for known in AuditEvent],
        event=event,
    )
