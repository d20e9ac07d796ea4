"""The worker of a service: consumers, outbox relay and periodic jobs."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from hearback_kit.background import Background, Part, pause
from hearback_kit.errors import Unavailable
from hearback_kit.health import Check
from hearback_kit.logs import get_logger

_log = get_logger(__name__)


class Periodic:
    """Calls a job every `seconds`, or sooner when woken; failures are logged.

    Calls are at least `seconds_min` apart.
    """

    def __init__(
        self, name: str, seconds: float, job: Callable[[], Awaitable[object]], *, seconds_min: float = 0.5
    ) -> None:
        self.name = name
        self._seconds = seconds
        self._seconds_min = min(seconds, seconds_min)
        self._job = job
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Run the job before its time."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Call the job immediately, then periodically until `stop` is set."""
        while not stop.is_set():
            self._woken.clear()
            try:
                await self._job()
            except Unavailable as error:
                _log.warning("job_waits", job=self.name, reason=error.detail)
            except Exception as error:  # a job must not take the others with it
                _log.error("job_failed", job=self.name, exc_info=error)
            earliest = time.monotonic() + self._seconds_min
            await pause(self._seconds, stop, self._woken)
            await pause(earliest - time.monotonic(), stop)


@dataclass(frozen=True, slots=True)
class Work:
    """The parts of a worker, and readiness checks of its resources."""

    parts: Iterable[Part]
    checks: Mapping[str, Check] = field(default_factory=dict)
    stop_seconds_max: float = 10.0


class Worker:
    """Opens its resources when it runs, and always closes them."""

    def __init__(self, opening: Callable[[], AbstractAsyncContextManager[Work]]) -> None:
        self._opening = opening
        self._checks: dict[str, Check] = {"worker": _not_started}
        self._shown: list[tuple[dict[str, Check], str]] = [(self._checks, "")]

    @property
    def checks(self) -> Mapping[str, Check]:
        """Readiness checks; those of the parts are added when the worker runs."""
        return self._checks

    def show_checks(self, checks: dict[str, Check], prefix: str) -> None:
        """Mirror the worker's checks to `checks`, with a name prefix."""
        self._shown.append((checks, prefix))
        self._show({"worker": _not_started})

    def _show(self, found: Mapping[str, Check]) -> None:
        for checks, prefix in self._shown:
            checks.pop(f"{prefix}worker", None)
            checks.update({f"{prefix}{name}": check for name, check in found.items()})

    async def run(self, stop: asyncio.Event) -> None:
        """Run every part until `stop` is set; if one crashes, all stop and its error is raised."""
        async with self._opening() as work:
            background = Background(work.parts, stop_seconds_max=work.stop_seconds_max)
            self._show({**work.checks, **background.checks})
            await background.run(stop)


async def _not_started() -> None:
    raise Unavailable("the worker has not started")
