"""What pages take from the running app, and how they are rendered."""

from typing import Annotated, Final

from fastapi import Depends, Path
from hearback_fleet.access import EVENT_READ, PROJECT_READ, PROJECT_WRITE, app_state
from hearback_fleet.audit import Audit, audit_by
from hearback_kit.api.params import RowId
from hearback_web import Pages, ProjectPageScope, project_page_scope

from notifier.service.app_state import AppState

PAGES: Final = Pages(service="notifier", package="notifier")
SETTINGS: Final = "/settings/{organization}/projects/{project}"

StateDep = Annotated[AppState, Depends(app_state)]
Reader = Annotated[ProjectPageScope, project_page_scope(*PROJECT_READ)]
LogReader = Annotated[ProjectPageScope, project_page_scope(*PROJECT_READ, *EVENT_READ)]
Writer = Annotated[ProjectPageScope, project_page_scope(*PROJECT_WRITE)]
RuleId = Annotated[RowId, Path()]
DeliveryId = Annotated[RowId, Path()]
AuditDep = Annotated[Audit, audit_by(Writer)]
