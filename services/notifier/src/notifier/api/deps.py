"""What routes take from the running app."""

from typing import Annotated

from fastapi import Depends
from hearback_fleet.access import EVENT_READ, PROJECT_READ, PROJECT_WRITE, ProjectScope, app_state, project_scope
from hearback_fleet.audit import Audit, audit_by

from notifier.service.app_state import AppState

StateDep = Annotated[AppState, Depends(app_state)]
Reader = Annotated[ProjectScope, project_scope(*PROJECT_READ)]
Writer = Annotated[ProjectScope, project_scope(*PROJECT_WRITE)]
EventReader = Annotated[ProjectScope, project_scope(*PROJECT_READ, *EVENT_READ)]
AuditDep = Annotated[Audit, audit_by(Writer)]
