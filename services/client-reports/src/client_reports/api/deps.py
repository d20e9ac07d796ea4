"""What routes take from the running app."""

from typing import Annotated

from fastapi import Depends
from hearback_fleet.access import (
    EVENT_READ,
    ORGANIZATION_READ,
    PROJECT_READ,
    OrganizationScope,
    app_state,
    organization_scope,
)

from client_reports.service.app_state import AppState

StateDep = Annotated[AppState, Depends(app_state)]
OrganizationReader = Annotated[
    OrganizationScope, organization_scope(*ORGANIZATION_READ, *PROJECT_READ, *EVENT_READ)
]
