"""What pages take from the running app, and how they are rendered."""

from typing import Annotated, Final

from fastapi import Depends, Path, Request
from hearback_fleet.access import EVENT_READ, PROJECT_READ, PROJECT_WRITE
from hearback_web import Pages, ProjectPageScope, project_page_scope

from notifier.service.assemble_app import AppState

PAGES: Final = Pages(service="notifier", package="notifier")
SETTINGS: Final = "/settings/{organization}/projects/{project}"
_ID_MAX: Final = 2**63 - 1


def app_state(request: Request) -> AppState:
    """Return the state of the running app."""
    state: AppState = request.app.state.state
    return state


def settings_url(scope: ProjectPageScope, part: str) -> str:
    """Return the address of a part of the project's settings."""
    return f"/settings/{scope.organization.slug}/projects/{scope.project.slug}/{part}"


StateDep = Annotated[AppState, Depends(app_state)]
Reader = Annotated[ProjectPageScope, project_page_scope(*PROJECT_READ)]
LogReader = Annotated[ProjectPageScope, project_page_scope(*PROJECT_READ, *EVENT_READ)]
Writer = Annotated[ProjectPageScope, project_page_scope(*PROJECT_WRITE)]
RuleId = Annotated[int, Path(ge=1, le=_ID_MAX)]
DeliveryId = Annotated[int, Path(ge=1, le=_ID_MAX)]
