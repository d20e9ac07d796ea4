"""What routes take from the running app."""

from collections.abc import Iterable
from typing import Any

from fastapi import Request
from hearback_contracts.config import OrganizationConfig, ProjectConfig
from hearback_fleet.access import access_of
from hearback_kit.clock import Clock
from hearback_kit.db import Database
from hearback_kit.outbox import Outbox, OutboxRelay

from feedback.api.shapes import Surroundings
from feedback.settings import Settings


class Running:
    """The parts of the running app that routes use; made by the lifespan."""

    def __init__(
        self, settings: Settings, database: Database, outbox: Outbox, relay: OutboxRelay, clock: Clock
    ) -> None:
        self.settings = settings
        self.database = database
        self.outbox = outbox
        self.relay = relay
        self.clock = clock


def running(request: Request) -> Running:
    """The parts of the running app."""
    parts: Running = request.app.state.running
    return parts


async def surroundings(
    request: Request, organization: OrganizationConfig, rows: Iterable[Any], with_attachments: Iterable[int] = ()
) -> Surroundings:
    """What the JSON of these rows needs: their projects and the members of the organization."""
    configuration = access_of(request).configuration
    projects: dict[int, ProjectConfig] = {}
    for project_id in {row.project_id for row in rows}:
        project = await configuration.project(project_id)
        if project is not None:
            projects[project_id] = project
    return Surroundings(organization, projects, running(request).settings.public_url, frozenset(with_attachments))
