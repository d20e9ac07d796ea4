"""Report to the registry which projects have feedback."""

from functools import partial

from hearback_fleet.runtime import ServiceRuntime

from feedback.service.announce_projects import announce_projects
from feedback.settings import Settings


def add_announcements(runtime: ServiceRuntime, settings: Settings) -> None:
    """Announce projects every `announce_seconds`."""
    announce = partial(announce_projects, runtime.database, runtime.registry)
    runtime.every("announce", settings.announce_seconds, announce)
