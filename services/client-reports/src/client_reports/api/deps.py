"""What routes take from the running app."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from hearback_kit.clock import Clock
from hearback_kit.db import Database

from client_reports.service.accept_submission import SubmissionAcceptance
from client_reports.settings import Settings


@dataclass(frozen=True, slots=True)
class AppState:
    """What the app holds while it runs (`app.state.state`)."""

    settings: Settings
    database: Database
    clock: Clock
    acceptance: SubmissionAcceptance


def app_state(request: Request) -> AppState:
    """Return the state of the running app."""
    state: AppState = request.app.state.state
    return state


StateDep = Annotated[AppState, Depends(app_state)]
