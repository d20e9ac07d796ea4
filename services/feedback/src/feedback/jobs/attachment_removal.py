"""Deletes the bytes of deleted attachments, and attachments whose event never arrived."""

from hearback_kit.blobs import BlobStore
from hearback_kit.worker import Periodic

from feedback.service.find_error_events import ErrorEvents
from feedback.service.remove_attachments import DeleteBytes, DeleteOrphans
from feedback.service.unit_of_work import UnitOfWork
from feedback.settings import Settings


def attachment_removal(
    unit_of_work: UnitOfWork, blobs: BlobStore, error_events: ErrorEvents, settings: Settings
) -> list[Periodic]:
    """Return the jobs that run every `blob_delete_seconds` and every `retention_seconds`."""
    orphans = DeleteOrphans(unit_of_work, error_events, settings)
    return [
        Periodic("attachment-bytes", settings.blob_delete_seconds, DeleteBytes(unit_of_work, blobs)),
        Periodic("attachment-orphans", settings.retention_seconds, orphans),
    ]
