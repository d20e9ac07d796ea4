"""What routes take from the running app."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from hearback_contracts.config import OrganizationConfig, ProjectConfig
from hearback_fleet.access import access_of
from hearback_kit.blobs import BlobStore
from hearback_kit.clock import Clock
from hearback_kit.db import Database
from hearback_kit.outbox import Outbox, OutboxRelay

from feedback.api.shapes import Surroundings
from feedback.api.thumbnails import Thumbnails
from feedback.event_index import EventIndex
from feedback.settings import Settings


@dataclass(frozen=True, slots=True)
class Running:
    """The parts of the running app that routes use; made by the lifespan."""

    settings: Settings
    database: Database
    outbox: Outbox
    relay: OutboxRelay
    clock: Clock
    blobs: BlobStore
    thumbnails: Thumbnails
    index: EventIndex


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
