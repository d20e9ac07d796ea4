"""Deletes what is past its project's retention: feedback, attachments, closed submissions."""

from hearback_fleet.configuration import Configuration
from hearback_kit.worker import Periodic

from feedback.service.delete_feedback import DeleteExpired
from feedback.service.remove_attachments import DeleteExpiredAttachments
from feedback.service.unit_of_work import UnitOfWork
from feedback.settings import Settings


def retention(unit_of_work: UnitOfWork, configuration: Configuration, settings: Settings) -> list[Periodic]:
    """Return the jobs that run every `retention_seconds`."""
    feedback = DeleteExpired(unit_of_work, configuration, settings)
    attachments = DeleteExpiredAttachments(unit_of_work, configuration, settings)
    return [
        Periodic("retention", settings.retention_seconds, feedback),
        Periodic("attachment-retention", settings.retention_seconds, attachments),
    ]
