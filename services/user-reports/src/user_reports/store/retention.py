"""Keeping no longer than promised: partitions are dropped, what is left over is deleted in chunks."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

import msgspec
from hearback_contracts.outcomes import Outcome, SubmissionState
from hearback_contracts.reasons import Reason
from hearback_kit.clock import Clock
from hearback_kit.db import Connection, Database

from user_reports import metrics
from user_reports.store.partitions import drop_weeks, ensure_weeks
from user_reports.store.projects import Projects
from user_reports.store.queries import deletions, events, groups, reports
from user_reports.store.telling import Telling

REFUSALS_KEPT: Final = timedelta(days=7)
_Delete = Callable[[Connection], Awaitable[int]]


class RetentionOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How long and in which portions."""

    retention: timedelta = timedelta(days=90)
    chunk_max: int = 5_000
    weeks_ahead: int = 4


class Retention:
    """Prepares partitions and removes what is too old; safe to run in several workers at once."""

    def __init__(
        self, database: Database, projects: Projects, clock: Clock, shards: int, options: RetentionOptions
    ) -> None:
        self._database = database
        self._projects = projects
        self._clock = clock
        self._shards = shards
        self._options = options

    async def run_once(self) -> None:
        """Make coming partitions, drop and delete everything beyond retention."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            await ensure_weeks(connection, now, ahead=self._options.weeks_ahead)
        before = now - self._options.retention
        async with self._database.transaction() as connection:
            dropped = await drop_weeks(connection, before)
        metrics.EXPIRED.labels("partition").inc(len(dropped))
        limit = self._options.chunk_max
        await self._chunks("event", lambda c: events.delete_stray_events(c, before, limit))
        await self._expire(before, None)
        await self._chunks("refusal", lambda c: reports.delete_refusals(c, now - REFUSALS_KEPT, limit))
        await self._chunks("deletion", lambda c: deletions.forget_deleted(c, before, limit))
        await self._expire_projects(now)

    async def _expire_projects(self, now: datetime) -> None:
        async with self._database.connection() as connection:
            project_ids = await groups.project_ids(connection)
        for project_id in project_ids:
            days = await self._projects.retention_days(project_id)
            if days is not None and timedelta(days=days) < self._options.retention:
                await self._expire(now - timedelta(days=days), project_id)

    async def _expire(self, before: datetime, project_id: int | None) -> None:
        limit = self._options.chunk_max
        if project_id is not None:
            await self._chunks("event", lambda c: events.delete_events(c, project_id, before, limit))
        await self._chunks("report", lambda c: self._delete_reports(c, before, project_id))
        await self._chunks("group", lambda c: groups.delete_groups(c, before, limit, project_id))

    async def _delete_reports(self, connection: Connection, before: datetime, project_id: int | None) -> int:
        chosen = reports.select_expired(before, self._options.chunk_max, project_id)
        deleted = await reports.delete_chosen(connection, chosen)
        telling = Telling(self._clock, self._shards)
        for report in deleted:
            if report.group_id is None:
                reason = Reason.EVENT_NEVER_ARRIVED
                telling.count(report, Outcome.INVALID, reason)
                telling.step(report, SubmissionState.DROPPED, "expired", reason)
        await telling.write(connection)
        return len(deleted)

    async def _chunks(self, kind: str, delete: _Delete) -> None:
        """Call a delete in transactions of its own until it has nothing left to do."""
        while True:
            async with self._database.transaction() as connection:
                count = await delete(connection)
            metrics.EXPIRED.labels(kind).inc(count)
            if count < self._options.chunk_max:
                return
