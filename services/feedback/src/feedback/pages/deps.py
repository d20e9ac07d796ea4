"""What pages take from the running app, and who may see and change what."""

from typing import Annotated, Final, Protocol

from fastapi import Depends, Request
from hearback_contracts.config import OrganizationConfig
from hearback_contracts.flags import Feature
from hearback_fleet.access import EVENT_READ, EVENT_WRITE
from hearback_fleet.configuration import Configuration
from hearback_kit.clock import Clock
from hearback_kit.db import Database
from hearback_web import Pages, PageScope, page_scope

from feedback.domain.spam_classifier import Prior
from feedback.service.ask_fleet import Fleet
from feedback.service.select_feedback import SelectFeedback
from feedback.service.unit_of_work import UnitOfWork
from feedback.settings import Settings

PAGES: Final = Pages(service="feedback", package="feedback")


class PageState(Protocol):
    """What pages need of `app.state.state`."""

    @property
    def settings(self) -> Settings: ...
    @property
    def configuration(self) -> Configuration: ...
    @property
    def unit_of_work(self) -> UnitOfWork: ...
    @property
    def database(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def select(self) -> SelectFeedback: ...
    @property
    def spam_prior(self) -> Prior | None: ...
    @property
    def fleet(self) -> Fleet: ...


async def page_state(request: Request) -> PageState:
    """Return the state of the running app."""
    state: PageState = request.app.state.state
    return state


StateDep = Annotated[PageState, Depends(page_state)]
Reader = Annotated[PageScope, page_scope(*EVENT_READ)]
Writer = Annotated[PageScope, page_scope(*EVENT_WRITE)]


def is_shown(organization: OrganizationConfig) -> bool:
    """Return whether an organization's members see feedback in pages."""
    return organization.feature(Feature.UI) and organization.feature(Feature.VISIBLE)
