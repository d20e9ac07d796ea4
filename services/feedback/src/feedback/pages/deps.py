"""What pages take from the running app, and the permissions they need."""

from typing import Annotated, Final

from fastapi import Depends
from hearback_contracts.config import OrganizationConfig
from hearback_contracts.flags import Feature
from hearback_fleet.access import EVENT_READ, EVENT_WRITE, app_state
from hearback_web import Pages, PageScope, page_scope

from feedback.service.app_state import AppState

PAGES: Final = Pages(service="feedback", package="feedback")
StateDep = Annotated[AppState, Depends(app_state)]
Reader = Annotated[PageScope, page_scope(*EVENT_READ)]
Writer = Annotated[PageScope, page_scope(*EVENT_WRITE)]


def is_shown(organization: OrganizationConfig) -> bool:
    """Return whether an organization's members see feedback in pages."""
    return organization.feature(Feature.UI) and organization.feature(Feature.VISIBLE)
