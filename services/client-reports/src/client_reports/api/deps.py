"""What routes take from the running app."""

from typing import Annotated

from fastapi import Depends, Request

from client_reports.service.app_state import AppState


def app_state(request: Request) -> AppState:
    """Return the state of the running app."""
    state: AppState = request.app.state.state
    return state


StateDep = Annotated[AppState, Depends(app_state)]
