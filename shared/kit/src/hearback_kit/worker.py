"""A service's background work: its consumers, its outbox relay and its periodic jobs, run together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from hearback_kit.bus.consumer import Consumer
from hearback_kit.errors import Unavailable
from hearback_kit.health import Check
from hearback_kit.logs import get_logger

_log = get_logger(__name__)


class Runnable(Protocol):
    """Something that runs until told to stop."""

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set, then finish what is in hand."""
        ...


class Periodic:
    """Calls a job every `seconds`; a failure is logged and does not end it."""

    def __init__(self, name: str, seconds: float, job: Callable[[], Awaitable[object]]) -> None:
        self.name = name
        self._seconds = seconds
        self._job = job

    async def run(self, stop: asyncio.Event) -> None:
        """Call the job at once and then again and again until `stop` is set."""
        while not stop.is_set():
            try:
                await self._job()
            except Unavailable as error:
                _log.warning("job_waits", job=self.name, reason=error.detail)
            except Exception as error:  # a job must not take the others with it
                _log.error("job_failed", job=self.name, exc_info=error)
            try:
                async with asyncio.timeout(self._seconds):
                    await stop.wait()
            except TimeoutError:
                continue


class Worker:
    """Runs all its parts; `close` releases what they used."""

    def __init__(
        self,
        *,
        consumers: Sequence[Consumer] = (),
        parts: Sequence[Runnable] = (),
        checks: dict[str, Check] | None = None,
        close: Callable[[], Awaitable[None]] | None = None,
        hang_seconds_max: float = 60.0,
    ) -> None:
        self._consumers = list(consumers)
        self._parts = list(parts)
        self._checks = dict(checks or {})
        self._close = close
        self._hang_seconds_max = hang_seconds_max

    @property
    def checks(self) -> dict[str, Check]:
        """Readiness checks: the given ones, and that every consumer goes round its loop."""
        return {**self._checks, "consumers": self._consumers_alive} if self._consumers else self._checks

    async def _consumers_alive(self) -> None:
        idle = max(consumer.idle_seconds for consumer in self._consumers)
        if idle > self._hang_seconds_max:
            raise Unavailable(f"a consumer has been busy or stuck for {idle:.0f} s")

    async def run(self, stop: asyncio.Event) -> None:
        """Run every part until `stop` is set; a part that crashes stops them all and raises."""
        try:
            async with asyncio.TaskGroup() as group:
                for part in (*self._consumers, *self._parts):
                    group.create_task(part.run(stop))
        finally:
            if self._close is not None:
                await self._close()
