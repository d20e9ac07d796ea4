"""What the routes work with: opened by the app's lifespan, found through the request."""

from typing import Annotated

from fastapi import Depends, Request
from hearback_fleet.configuration import Configuration
from hearback_kit.clock import Clock
from hearback_kit.db import Database
from hearback_kit.limits import WindowLimits

from user_reports.domain.rules import AgeRules
from user_reports.settings import Settings
from user_reports.store.projects import Projects
from user_reports.store.telling import Telling


class Place:
    """The service's parts, for the time the app runs."""

    database: Database
    projects: Projects
    configuration: Configuration
    limits: WindowLimits

    def __init__(self, *, settings: Settings, clock: Clock, rules: AgeRules) -> None:
        self.settings = settings
        self.clock = clock
        self.rules = rules

    def open(
        self, database: Database, projects: Projects, configuration: Configuration, limits: WindowLimits
    ) -> None:
        """Take what the lifespan opened."""
        self.database = database
        self.projects = projects
        self.configuration = configuration
        self.limits = limits

    def telling(self) -> Telling:
        """A collector for one transaction."""
        return Telling(self.clock, self.settings.stream_shards)


def place_of(request: Request) -> Place:
    """The running app's place."""
    place: Place = request.app.state.place
    return place


Here = Annotated[Place, Depends(place_of)]
