"""What routes take from the running app."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from hearback_fleet.access import EVENT_READ, PROJECT_READ, PROJECT_WRITE, ProjectScope, project_scope
from hearback_kit.clock import Clock
from hearback_kit.db import Database

from notifier.clients.outbound import OutboundCalls
from notifier.settings import Settings


@dataclass(frozen=True, slots=True)
class AppState:
    """What the app holds while it runs (`app.state.state`)."""

    settings: Settings
    database: Database
    clock: Clock
    calls: OutboundCalls


def app_state(request: Request) -> AppState:
    """Return the state of the running app."""
    state: AppState = request.app.state.state
    return state


StateDep = Annotated[AppState, Depends(app_state)]
Reader = Annotated[ProjectScope, project_scope(*PROJECT_READ)]
Writer = Annotated[ProjectScope, project_scope(*PROJECT_WRITE)]
EventReader = Annotated[ProjectScope, project_scope(*PROJECT_READ, *EVENT_READ)]
