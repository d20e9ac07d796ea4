"""What routes take from the running app."""

from typing import Annotated

from fastapi import Depends, Request
from hearback_fleet.access import EVENT_READ, PROJECT_READ, PROJECT_WRITE, ProjectScope, app_state, project_scope
from hearback_fleet.audit import Audit, audit_of

from notifier.service.app_state import AppState

StateDep = Annotated[AppState, Depends(app_state)]
Reader = Annotated[ProjectScope, project_scope(*PROJECT_READ)]
Writer = Annotated[ProjectScope, project_scope(*PROJECT_WRITE)]
EventReader = Annotated[ProjectScope, project_scope(*PROJECT_READ, *EVENT_READ)]


async def audit_of_writer(request: Request, scope: Writer) -> Audit:
    """Return what records the caller's changes of a project in the audit log."""
    return await audit_of(request, scope.principal, scope.project.organization_id)


AuditDep = Annotated[Audit, Depends(audit_of_writer)]
