"""The sweep: links waiting reports whose event is in the index after all (reference: feedback-backend 5.2).

Saving and indexing already link all there is to link; the sweep is the net below them. It walks the
waiting reports (a partial index holds only those) in chunks and looks their events up by id, so its cost
grows with the waiting reports and not with the index. Several sweeps may run: each claims the rows it can
link with `FOR UPDATE SKIP LOCKED`.
"""

import time
from datetime import datetime, timedelta
from typing import Final

import msgspec
from hearback_contracts.sources import FeedbackSource
from hearback_kit.clock import Clock
from hearback_kit.db import Database

from user_reports import metrics
from user_reports.domain.model import IndexedEvent, Key
from user_reports.store.projects import Projects
from user_reports.store.queries.events import find_events
from user_reports.store.queries.reports import Position, claim_waiting, list_waiting_keys, store_links
from user_reports.store.telling import Telling

LINKS_PER_TRANSACTION_MAX: Final = 500


class SweepOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Windows and bounds: which reports, which events, how many at a time, for how long."""

    reports_age_max: timedelta = timedelta(days=1)
    future_max: timedelta = timedelta(minutes=5)
    events_lookback: timedelta = timedelta(days=1)
    chunk_max: int = 2_000
    deadline_seconds: float = 30.0


class SweepResult(msgspec.Struct):
    """What a sweep did; `complete` is False when its deadline came first."""

    looked_at: int = 0
    linked: int = 0
    complete: bool = True


class Sweep:
    """Sweeps, again and again; one that met its deadline is continued by the next."""

    def __init__(
        self, database: Database, projects: Projects, clock: Clock, shards: int, options: SweepOptions
    ) -> None:
        self._database = database
        self._projects = projects
        self._clock = clock
        self._shards = shards
        self._options = options
        self._resume: Position | None = None

    async def run_once(self) -> SweepResult:
        """Go through the waiting reports of the window."""
        started = time.monotonic()
        now = self._clock.now()
        start, end = now - self._options.reports_age_max, now + self._options.future_max
        position: Position | None = (start - timedelta(microseconds=1), 0)
        if self._resume is not None and self._resume[0] >= start:
            position = self._resume
        result = SweepResult()
        while position is not None:
            if time.monotonic() - started > self._options.deadline_seconds:
                result.complete = False
                metrics.SWEEP_INCOMPLETE.inc()
                break
            position = await self._sweep_chunk(position, start, end, result)
        self._resume = position
        metrics.SWEEP_SECONDS.observe(time.monotonic() - started)
        metrics.WAITING.set(result.looked_at - result.linked)
        return result

    async def _sweep_chunk(
        self, after: Position, start: datetime, end: datetime, result: SweepResult
    ) -> Position | None:
        async with self._database.connection() as connection:
            keys, following = await list_waiting_keys(
                connection, after=after, until=end, limit=self._options.chunk_max
            )
            earliest = start - self._options.events_lookback
            events = await find_events(connection, keys, earliest=earliest, latest=end)
        result.looked_at += len(keys)
        found = sorted(events)
        for first in range(0, len(found), LINKS_PER_TRANSACTION_MAX):
            part = found[first : first + LINKS_PER_TRANSACTION_MAX]
            result.linked += await self._link(part, events)
        return following

    async def _link(self, keys: list[Key], events: dict[Key, IndexedEvent]) -> int:
        denied = await self._projects.denied(project_id for project_id, _ in keys)
        telling = Telling(self._clock, self._shards)
        now = self._clock.now()
        async with self._database.transaction() as connection:
            claimed = await claim_waiting(connection, keys)
            for key, report in claimed.items():
                report.link(events[key], now)
                source = FeedbackSource.UPDATE_USER_REPORTS_TASK
                telling.linked(report, events[key], source, denied=key[0] in denied)
            await store_links(connection, list(claimed.values()))
            await telling.write(connection)
        metrics.LINKED.labels("sweep").inc(len(claimed))
        return len(claimed)
