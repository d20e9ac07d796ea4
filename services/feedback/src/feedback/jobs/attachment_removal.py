"""Deletes the bytes of deleted attachments, and attachments whose event never arrived."""

from hearback_fleet.runtime import ServiceRuntime
from hearback_fleet.unit_of_work import UnitOfWork

from feedback.service.find_error_events import ErrorEventIndex
from feedback.service.remove_attachments import DeleteBytes, DeleteOrphans
from feedback.settings import Settings


def add_attachment_removal(runtime: ServiceRuntime, settings: Settings) -> None:
    """Delete bytes every `blob_delete_seconds`, and orphans every `retention_seconds`."""
    unit_of_work = UnitOfWork.of(runtime)
    runtime.every("attachment-bytes", settings.blob_delete_seconds, DeleteBytes(unit_of_work, runtime.blobs))
    orphans = DeleteOrphans(unit_of_work, ErrorEventIndex.of(runtime, settings), settings)
    runtime.every("attachment-orphans", settings.retention_seconds, orphans)
