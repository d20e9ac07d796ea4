"""What routes take from the running app."""

from typing import Annotated

from fastapi import Depends, Request
from hearback_fleet.access import EVENT_READ, PROJECT_READ, PROJECT_WRITE, ProjectScope, project_scope

from notifier.service.assemble_app import AppState


def app_state(request: Request) -> AppState:
    """Return the state of the running app."""
    state: AppState = request.app.state.state
    return state


StateDep = Annotated[AppState, Depends(app_state)]
Reader = Annotated[ProjectScope, project_scope(*PROJECT_READ)]
Writer = Annotated[ProjectScope, project_scope(*PROJECT_WRITE)]
EventReader = Annotated[ProjectScope, project_scope(*PROJECT_READ, *EVENT_READ)]
