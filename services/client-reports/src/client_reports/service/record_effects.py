"""Record the effects of a batch of messages: counts and steps, each message once, in one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from hearback_kit.clock import Clock
from hearback_kit.db import Database, Direct
from hearback_kit.db.partitions import Partitions, midnight

from client_reports import metrics
from client_reports.domain.counting import Effects, Sums, aggregate, not_after
from client_reports.domain.journal import (
    Journal,
    JournalLimits,
    RecordedStep,
    StoredSteps,
    SubmissionKey,
    Usage,
    plan_changes,
)
from client_reports.domain.series import SeriesLimit, hour_of
from client_reports.settings import Settings
from client_reports.store.counters import counter_writes, find_series
from client_reports.store.partitions import plans_of
from client_reports.store.processed import begin_batch, turn_statements
from client_reports.store.refused import find_digests, refused_writes
from client_reports.store.submissions import submission_writes, usage_write
from client_reports.store.writes import Write, execute_writes


class EffectRecorder:
    """Records batches. A batch takes four or five round trips, however many messages it holds."""

    def __init__(self, settings: Settings, database: Database, clock: Clock, partitions: Partitions) -> None:
        self._database = database
        self._clock = clock
        self._partitions = partitions
        self._plans = plans_of(settings)
        self._series = SeriesLimit(settings.series_per_hour_max)
        self._limits = JournalLimits(
            steps_max=settings.steps_max,
            payloads_max=settings.payloads_max,
            submissions_per_day_max=settings.submissions_per_day_max,
            payload_bytes_per_day_max=settings.payload_mib_per_day_max << 20,
        )

    async def record(self, effects: Sequence[Effects]) -> None:
        """Record the effects of messages, except of those that were recorded before."""
        by_id = {effect.message_id: effect for effect in effects}
        if not by_id:
            return
        now = self._clock.now()
        await self._partitions.ensure(now)
        latest = (now + timedelta(days=1)).replace(second=0, microsecond=0)
        sums: Sums = {}
        try:
            groups = _by_submission(by_id.values())
            projects = {count.key.project_id for effect in by_id.values() for count in effect.counts}
            turns = turn_statements(projects.union(key.project_id for key in groups))
            async with self._database.direct_transaction(*turns) as connection:
                fresh_ids, stored, usage = await begin_batch(
                    connection, self._plans["processed"], by_id.values(), groups.keys(), now
                )
                metrics.MESSAGES_REPEATED.inc(len(effects) - len(fresh_ids))
                fresh = [by_id[message_id] for message_id in fresh_ids]
                sums = not_after(aggregate(fresh), latest)
                writes = await self._counters(connection, sums, now)
                if len(fresh) < len(by_id):
                    groups = _by_submission(fresh)
                writes += await self._journal(connection, groups, stored, usage, now)
                await execute_writes(connection, writes)
        except BaseException:
            self._series.forget({hour_of(key) for key in sums})
            raise

    async def _counters(self, connection: Direct, sums: Sums, now: datetime) -> list[Write]:
        oldest = midnight(self._plans["counter_hours"].oldest(now))
        hours = self._series.unknown_hours(sums, oldest=oldest)
        stored = await find_series(connection, hours) if hours else {}
        folded = self._series.fold(sums, stored, oldest=oldest)
        metrics.SERIES_FOLDED.inc(sum(key not in folded for key in sums))
        return counter_writes(folded, self._plans, now)

    async def _journal(
        self,
        connection: Direct,
        groups: Mapping[SubmissionKey, Sequence[RecordedStep]],
        stored: Mapping[SubmissionKey, StoredSteps],
        usage: Mapping[int, Usage],
        now: datetime,
    ) -> list[Write]:
        if not groups:
            return []
        today = now.date()
        refused = [key for key, recorded in groups.items() if any(one.refused for one in recorded)]
        digests = await find_digests(connection, refused) if refused else {}
        days = (self._plans["submission"].oldest(now), today + timedelta(days=1))
        changes = plan_changes(groups, Journal(stored, usage, digests), self._limits, days)
        metrics.STEPS.inc(changes.steps_added)
        metrics.STEPS_DROPPED.inc(changes.steps_dropped)
        metrics.PAYLOADS_DROPPED.inc(changes.payloads_dropped)
        return [
            *submission_writes(changes.submissions, stored),
            usage_write(changes.usage, today),
            *refused_writes(changes.refused, changes.erased),
        ]


def _by_submission(effects: Iterable[Effects]) -> dict[SubmissionKey, list[RecordedStep]]:
    groups: dict[SubmissionKey, list[RecordedStep]] = {}
    for effect in effects:
        for step in effect.steps:
            groups.setdefault(step.submission, []).append(step)
    return groups
