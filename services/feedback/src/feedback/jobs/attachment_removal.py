"""Delete the bytes of deleted attachments, and attachments whose event never arrived."""

from functools import partial

from hearback_fleet.runtime import ServiceRuntime
from hearback_fleet.unit_of_work import UnitOfWork

from feedback.service.find_error_events import ErrorEventIndex
from feedback.service.remove_attachments import DeleteOrphans, delete_bytes
from feedback.settings import Settings


def add_attachment_removal(runtime: ServiceRuntime, settings: Settings) -> None:
    """Delete bytes every `blob_delete_seconds`, and orphans every `retention_seconds`."""
    unit_of_work = UnitOfWork.of(runtime)
    deletion = partial(delete_bytes, runtime.database, runtime.blobs)
    runtime.every("attachment-bytes", settings.blob_delete_seconds, deletion)
    orphans = DeleteOrphans(unit_of_work, ErrorEventIndex.of(runtime, settings), settings)
    runtime.every("attachment-orphans", settings.retention_seconds, orphans)
