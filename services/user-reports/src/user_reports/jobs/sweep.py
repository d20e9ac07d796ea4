"""The sweep: link waiting reports whose event is in the index."""

import time
from datetime import timedelta

import msgspec

from user_reports import metrics
from user_reports.domain.model import Position
from user_reports.service.app_state import ServiceContext
from user_reports.service.link_reports import Window, link_chunk
from user_reports.settings import Settings


class SweepResult(msgspec.Struct):
    """Counts of a sweep; `complete` is False if it reached its deadline."""

    looked_at: int = 0
    linked: int = 0
    complete: bool = True


class Sweep:
    """Runs sweeps; one that reached its deadline is continued by the next.

    `resume` is the position to continue from, None for the start of the window.
    """

    def __init__(self, context: ServiceContext, settings: Settings, resume: Position | None = None) -> None:
        self._context = context
        self._settings = settings
        self._resume = resume

    async def run_once(self) -> SweepResult:
        """Look up the waiting reports of the window."""
        started, settings, now = time.monotonic(), self._settings, self._context.clock.now()
        start = now - timedelta(hours=settings.sweep_reports_hours)
        window = Window(
            start - timedelta(hours=settings.sweep_events_hours),
            now + timedelta(minutes=settings.sweep_future_minutes),
        )
        position: Position | None = (start - timedelta(microseconds=1), 0)
        if self._resume is not None and self._resume[0] >= start:
            position = self._resume
        result = SweepResult()
        while position is not None:
            if time.monotonic() - started > settings.sweep_deadline_seconds:
                result.complete = False
                metrics.SWEEP_INCOMPLETE.inc()
                break
            chunk = await link_chunk(self._context, position, window, chunk_max=settings.sweep_chunk_max)
            position = chunk.position
            result.looked_at += chunk.looked_at
            result.linked += chunk.linked
        self._resume = position
        metrics.SWEEP_SECONDS.observe(time.monotonic() - started)
        metrics.WAITING.set(result.looked_at - result.linked)
        return result
