"""What routes take from the running app."""

from typing import Annotated

from fastapi import Depends
from hearback_fleet.access import app_state

from client_reports.service.app_state import AppState

StateDep = Annotated[AppState, Depends(app_state)]
