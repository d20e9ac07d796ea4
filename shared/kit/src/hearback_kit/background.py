"""Background tasks of a process: supervised, with readiness checks, and stopped in a defined order.

A crashed task of a worker ends the worker and its process, and another one takes over its messages. A crashed task
of an HTTP app is restarted after a pause, since the app still serves requests; until then it is not ready.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Protocol

from prometheus_client import Counter

from hearback_kit.errors import Unavailable
from hearback_kit.health import Check
from hearback_kit.logs import get_logger
from hearback_kit.outages import is_cancelled

CRASHES = Counter("hearback_background_crashes", "Background tasks that crashed.", ["task"])
HANG_SECONDS_MAX: Final = 60.0
CANCEL_SECONDS_MAX: Final = 5.0
_CANCEL_AGAIN_SECONDS: Final = 1.0
_STAGE_SECONDS_MIN: Final = 0.5  # also when an earlier stage used up the time

_log = get_logger(__name__)


class Runnable(Protocol):
    """Something that runs until it is stopped.

    A loop may have `idle_seconds`, the time since its last iteration, so that a hang is detected.
    """

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set, then finish the current work."""


class Stage(IntEnum):
    """The order of stopping: a stage is stopped once all parts of the one before have ended."""

    WORK = 0
    """Consumers and jobs: they finish the current batch."""
    RELAY = 1
    """Publishes the outbox, which the last batch may have written to."""
    FOLLOW = 2
    """Keeps copies current for the others."""


@dataclass(frozen=True, slots=True)
class Part:
    """A background task; parts of one name share a readiness check."""

    name: str
    runnable: Runnable
    stage: Stage = Stage.WORK


class Background:
    """Runs parts together.

    `restart_seconds` is the pause before a crashed part is restarted; with None all parts end when one crashes.
    Stopping takes at most `stop_seconds_max`; then the remaining tasks are cancelled, and those that ignore it are
    logged and abandoned.
    """

    def __init__(
        self,
        parts: Iterable[Part],
        *,
        restart_seconds: float | None = None,
        stop_seconds_max: float = 10.0,
        cancel_seconds_max: float = CANCEL_SECONDS_MAX,
    ) -> None:
        self._watched = [_Watched(part, restart_seconds) for part in parts]
        self._stop_seconds_max = stop_seconds_max
        self._cancel_seconds_max = cancel_seconds_max

    @property
    def checks(self) -> Mapping[str, Check]:
        """Readiness checks by name: the parts run and do not hang."""
        by_name: dict[str, list[_Watched]] = {}
        for watched in self._watched:
            by_name.setdefault(watched.part.name, []).append(watched)
        return {name: _check_of(group) for name, group in by_name.items()}

    async def run(self, stop: asyncio.Event) -> None:
        """Run every part until `stop` is set; raise the error of a crashed part once all others have ended."""
        stages = {stage: asyncio.Event() for stage in Stage}
        tasks = {
            asyncio.create_task(watched.run(stages[watched.part.stage]), name=watched.part.name): watched
            for watched in self._watched
        }
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((*tasks, stopped), return_when=asyncio.FIRST_COMPLETED)
            await self._stop(tasks, stages)
        finally:
            stopped.cancel()
            await self._cancel([task for task in tasks if not task.done()])
        for task in tasks:
            if task.done() and not task.cancelled():
                task.result()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run every part beside the block."""
        stop = asyncio.Event()
        task = asyncio.create_task(self.run(stop))
        try:
            yield
        finally:
            stop.set()
            await task

    async def _stop(
        self, tasks: Mapping["asyncio.Task[None]", "_Watched"], stages: Mapping[Stage, asyncio.Event]
    ) -> None:
        ends_at = time.monotonic() + self._stop_seconds_max
        for stage, event in stages.items():
            event.set()
            ending = [task for task, watched in tasks.items() if watched.part.stage is stage]
            if ending:
                await asyncio.wait(ending, timeout=max(_STAGE_SECONDS_MIN, ends_at - time.monotonic()))

    async def _cancel(self, tasks: Sequence["asyncio.Task[None]"]) -> None:
        """Cancel tasks that did not stop, repeatedly, as a library may swallow a cancellation."""
        ends_at = time.monotonic() + self._cancel_seconds_max
        while tasks and time.monotonic() < ends_at:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=_CANCEL_AGAIN_SECONDS)
            tasks = [task for task in tasks if not task.done()]
        for task in tasks:
            _log.error("background_task_stuck", task=task.get_name())


class _Watched:
    """A part with its state."""

    def __init__(self, part: Part, restart_seconds: float | None) -> None:
        self.part = part
        self._restart_seconds = restart_seconds
        self._crash = "has not started"
        self._unready_until = float("inf")

    async def run(self, stop: asyncio.Event) -> None:
        """Run the part; restart it after a crash if configured."""
        self._unready_until = 0.0
        while True:
            try:
                await self.part.runnable.run(stop)
                if stop.is_set():
                    return
                raise RuntimeError(f"{self.part.name} ended by itself")
            except (Exception, asyncio.CancelledError) as error:
                if isinstance(error, asyncio.CancelledError) and is_cancelled():
                    raise
                CRASHES.labels(self.part.name).inc()
                _log.error("background_task_crashed", task=self.part.name, exc_info=error)
                self._crash = f"crashed: {type(error).__name__}"
                if self._restart_seconds is None:
                    self._unready_until = float("inf")
                    if isinstance(error, asyncio.CancelledError):  # a client's, whose connection was lost
                        raise RuntimeError(f"{self.part.name} was cancelled from inside") from error
                    raise
                # Ready again when it survived for as long as the pause was.
                self._unready_until = time.monotonic() + 2 * self._restart_seconds
            await pause(self._restart_seconds, stop)
            if stop.is_set():
                return

    def look(self) -> None:
        """Raise Unavailable if the part crashed or hangs."""
        if time.monotonic() < self._unready_until:
            raise Unavailable(self._crash)
        idle: float = getattr(self.part.runnable, "idle_seconds", 0.0)
        if idle > HANG_SECONDS_MAX:
            raise Unavailable(f"busy or stuck for {idle:.0f} s")


def _check_of(group: Sequence[_Watched]) -> Check:
    async def check() -> None:
        for watched in group:
            watched.look()

    return check


class Heartbeat:
    """A base of loops that show the time since their last iteration; see `Runnable`."""

    def __init__(self) -> None:
        self._beat_at = time.monotonic()

    def beat(self) -> None:
        """Record an iteration."""
        self._beat_at = time.monotonic()

    @property
    def idle_seconds(self) -> float:
        """Seconds since the last iteration."""
        return time.monotonic() - self._beat_at


async def pause(seconds: float, *events: asyncio.Event) -> None:
    """Wait for `seconds`, or until one of the events is set."""
    if seconds <= 0 or any(event.is_set() for event in events):
        return
    if len(events) == 1:  # without a task, which would cost as much again
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await events[0].wait()
        return
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
