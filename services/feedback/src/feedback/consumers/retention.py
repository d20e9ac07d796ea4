"""Periodic work: tells the registry which projects have feedback, and removes what is past its time."""

from datetime import timedelta

import orjson
from hearback_contracts.reasons import Reason
from hearback_fleet.configuration import Configuration
from hearback_fleet.recording import Record
from hearback_kit.clock import Clock
from hearback_kit.db import Database
from hearback_kit.http import ServiceClient
from hearback_kit.outbox import Outbox

from feedback.fates import SERVICE, tell_deleted
from feedback.metrics import DELETED
from feedback.settings import Settings
from feedback.store.projects import forget_closed, list_project_ids, list_unannounced, mark_announced
from feedback.store.triage import remove_older

ANNOUNCEMENTS_MAX = 200


class Announcer:
    """Tells the registry `hasFeedbacks` and `hasNewFeedbacks`, once per project and change."""

    def __init__(self, database: Database, registry: ServiceClient) -> None:
        self._database = database
        self._registry = registry

    async def run_once(self) -> None:
        """Tell what is not told yet; what fails is tried again the next time."""
        async with self._database.connection() as connection:
            waiting = await list_unannounced(connection, ANNOUNCEMENTS_MAX)
        told = []
        for announcement in waiting:
            flags = {"hasFeedbacks": True, "hasNewFeedbacks": announcement.has_new_feedbacks}
            response = await self._registry.request(
                "PUT", f"/internal/projects/{announcement.project_id}/flags", body=orjson.dumps(flags)
            )
            # A project that the registry does not have (any more) is told, too: there is nobody to remind.
            if response.status_code < 300 or response.status_code == 404:
                told.append(announcement)
        if told:
            async with self._database.transaction() as connection:
                await mark_announced(connection, told)


class Retention:
    """Removes feedback past its project's `hearback:retention_days`, and old closed submissions."""

    def __init__(
        self, database: Database, outbox: Outbox, configuration: Configuration, clock: Clock, settings: Settings
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._configuration = configuration
        self._clock = clock
        self._settings = settings

    async def run_once(self) -> None:
        """Remove everything that is past its time, a chunk per transaction."""
        async with self._database.connection() as connection:
            project_ids = await list_project_ids(connection)
        for project_id in project_ids:
            project = await self._configuration.project(project_id)
            if project is not None:
                while await self._remove_chunk(project_id, project.option("hearback:retention_days")):
                    continue
        while await self._forget_chunk():
            continue

    async def _remove_chunk(self, project_id: int, days: int) -> bool:
        now, limit = self._clock.now(), self._settings.retention_chunk_max
        record = Record(SERVICE, self._clock, self._settings.stream_shards)
        async with self._database.transaction() as connection:
            removed = await remove_older(
                connection, project_id, now - timedelta(days=days), limit, now, Reason.DELETED.value
            )
            for feedback in removed:
                tell_deleted(record, feedback)
            await self._outbox.add(connection, record.messages())
        DELETED.labels("retention").inc(len(removed))
        return len(removed) == limit

    async def _forget_chunk(self) -> bool:
        limit = self._settings.retention_chunk_max
        before = self._clock.now() - timedelta(days=self._settings.closed_submission_days)
        async with self._database.transaction() as connection:
            return await forget_closed(connection, before, limit) == limit
