"""Delete feedback, attachments and closed submissions past their project's retention."""

from hearback_fleet.runtime import ServiceRuntime
from hearback_fleet.unit_of_work import UnitOfWork

from feedback.service.delete_feedback import DeleteExpired
from feedback.service.remove_attachments import DeleteExpiredAttachments
from feedback.settings import Settings


def add_retention(runtime: ServiceRuntime, settings: Settings) -> None:
    """Delete expired feedback and attachments every `retention_seconds`."""
    unit_of_work, configuration = UnitOfWork.of(runtime), runtime.configuration
    for name, job in (
        ("retention", DeleteExpired(unit_of_work, configuration, settings)),
        ("attachment-retention", DeleteExpiredAttachments(unit_of_work, configuration, settings)),
    ):
        runtime.every(name, settings.retention_seconds, job)
