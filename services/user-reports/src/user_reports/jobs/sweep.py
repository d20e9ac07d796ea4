"""The sweep: goes through the waiting reports and links those whose event is there after all."""

import time
from datetime import timedelta

import msgspec

from user_reports import metrics
from user_reports.domain.model import Position
from user_reports.service.context import ServiceContext
from user_reports.service.link_reports import Window, link_chunk
from user_reports.settings import Settings


class SweepOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Windows and bounds: which reports, which events, how many at a time, for how long."""

    reports_age_max: timedelta = timedelta(days=1)
    future_max: timedelta = timedelta(minutes=5)
    events_lookback: timedelta = timedelta(days=1)
    chunk_max: int = 2_000
    deadline_seconds: float = 30.0

    @classmethod
    def of(cls, settings: Settings) -> "SweepOptions":
        """Return the options as set."""
        return cls(
            reports_age_max=timedelta(hours=settings.sweep_reports_hours),
            future_max=timedelta(minutes=settings.sweep_future_minutes),
            events_lookback=timedelta(hours=settings.sweep_events_hours),
            chunk_max=settings.sweep_chunk_max,
            deadline_seconds=settings.sweep_deadline_seconds,
        )


class SweepResult(msgspec.Struct):
    """What a sweep did; `complete` is False when its deadline came first."""

    looked_at: int = 0
    linked: int = 0
    complete: bool = True


class Sweep:
    """Sweeps, again and again; one that met its deadline is continued by the next.

    `resume` is where the next sweep goes on, None for the beginning of its window.
    """

    def __init__(self, context: ServiceContext, options: SweepOptions, resume: Position | None = None) -> None:
        self._context = context
        self._options = options
        self._resume = resume

    async def run_once(self) -> SweepResult:
        """Go through the waiting reports of the window."""
        started = time.monotonic()
        now = self._context.clock.now()
        start = now - self._options.reports_age_max
        window = Window(start - self._options.events_lookback, now + self._options.future_max)
        position: Position | None = (start - timedelta(microseconds=1), 0)
        if self._resume is not None and self._resume[0] >= start:
            position = self._resume
        result = SweepResult()
        while position is not None:
            if time.monotonic() - started > self._options.deadline_seconds:
                result.complete = False
                metrics.SWEEP_INCOMPLETE.inc()
                break
            chunk = await link_chunk(self._context, position, window, chunk_max=self._options.chunk_max)
            position = chunk.position
            result.looked_at += chunk.looked_at
            result.linked += chunk.linked
        self._resume = position
        metrics.SWEEP_SECONDS.observe(time.monotonic() - started)
        metrics.WAITING.set(result.looked_at - result.linked)
        return result
