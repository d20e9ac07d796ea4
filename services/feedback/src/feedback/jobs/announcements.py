"""Tells the registry which projects have feedback."""

from hearback_kit.db import Database
from hearback_kit.http import ServiceClient
from hearback_kit.worker import Periodic

from feedback.service.announce_projects import AnnounceProjects
from feedback.settings import Settings


def announcements(database: Database, registry: ServiceClient, settings: Settings) -> Periodic:
    """Return the job that runs every `announce_seconds`."""
    return Periodic("announce", settings.announce_seconds, AnnounceProjects(database, registry))
