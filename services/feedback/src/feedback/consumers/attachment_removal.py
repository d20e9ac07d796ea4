"""Periodic work on attachments: bytes of deleted ones, orphans, and what is past its retention."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hearback_contracts.outcomes import SubmissionState
from hearback_contracts.reasons import Reason
from hearback_fleet.configuration import Configuration
from hearback_fleet.recording import Record
from hearback_kit.blobs import BlobStore
from hearback_kit.clock import Clock
from hearback_kit.db import Database
from hearback_kit.outbox import Outbox

from feedback.event_index import EventIndex
from feedback.fates import SERVICE
from feedback.metrics import ATTACHMENTS
from feedback.settings import Settings
from feedback.store import attachments

CHUNK_MAX = 500


class AttachmentRemoval:
    """Deletes bytes after the commit that made them superfluous, and finds what nobody will ask for."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        blobs: BlobStore,
        index: EventIndex,
        configuration: Configuration,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._blobs = blobs
        self._index = index
        self._configuration = configuration
        self._clock = clock
        self._settings = settings

    async def delete_bytes(self) -> None:
        """Delete the bytes of deleted attachments; killed at any point, the next run goes on."""
        while True:
            async with self._database.transaction() as connection:
                pending = await attachments.take_pending(connection, CHUNK_MAX)
                if pending:
                    await self._blobs.delete([row.blob_key for row in pending])
                    await attachments.mark_bytes_deleted(connection, [row.id for row in pending])
            ATTACHMENTS.labels("bytes_deleted").inc(len(pending))
            if len(pending) < CHUNK_MAX:
                return

    async def remove_old(self) -> None:
        """Delete attachments past their project's retention, and forget those deleted long ago."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            await attachments.forget(connection, now - timedelta(days=self._settings.closed_submission_days))
            project_ids = await attachments.list_projects(connection)
        for project_id in project_ids:
            project = await self._configuration.project(project_id)
            if project is None:
                continue
            before = now - timedelta(days=project.option("hearback:retention_days"))
            while True:
                async with self._database.transaction() as connection:
                    ids = await attachments.list_expired(connection, project_id, before, CHUNK_MAX)
                    await attachments.delete_by_ids(connection, ids, now, Reason.DELETED.value)
                ATTACHMENTS.labels("expired").inc(len(ids))
                if len(ids) < CHUNK_MAX:
                    break

    async def remove_orphans(self) -> None:
        """Delete attachments whose event did not arrive within `orphan_hours`."""
        before = self._clock.now() - timedelta(hours=self._settings.orphan_hours)
        async with self._database.transaction() as connection:
            await attachments.mark_feedback_found(connection, before)
        after = 0
        while self._index.is_there:
            async with self._database.connection() as connection:
                waiting = await attachments.list_orphans(connection, before, CHUNK_MAX, after)
            if waiting:
                after = waiting[-1].id
                await self._decide(waiting)
            if len(waiting) < CHUNK_MAX:
                return

    async def _decide(self, waiting: Sequence[Any]) -> None:
        events: dict[int, set[str]] = {}
        for row in waiting:
            events.setdefault(row.project_id, set()).add(row.event_id)
        known = {project: await self._index.find(project, sorted(ids)) for project, ids in events.items()}
        found = [row.id for row in waiting if row.event_id in known[row.project_id]]
        lost = [row.id for row in waiting if row.event_id not in known[row.project_id]]
        told = Record(SERVICE, self._clock, self._settings.stream_shards)
        async with self._database.transaction() as connection:
            await attachments.mark_found(connection, found)
            reason = Reason.EVENT_NEVER_ARRIVED.value
            removed = await attachments.delete_by_ids(connection, lost, self._clock.now(), reason)
            for row in _one_per_event(removed):
                _tell(told, row)
            await self._outbox.add(connection, told.messages())
        ATTACHMENTS.labels(reason).inc(len(removed))


def _one_per_event(rows: Sequence[Any]) -> list[Any]:
    return list({(row.project_id, row.event_id): row for row in rows}.values())


def _tell(told: Record, row: Any) -> None:
    """Tell it at the time of receipt: should the event have been refused, that remains its last word."""
    told.step(
        organization_id=row.organization_id,
        project_id=row.project_id,
        submission_id=row.event_id,
        state=SubmissionState.DROPPED,
        step="attachments_removed",
        at=row.received_at - timedelta(seconds=1),
        reason=Reason.EVENT_NEVER_ARRIVED.value,
    )
