"""Resources that the app and the worker of one process share: opened by the first user, closed by the last.

Otherwise each would have its own connections, poll the same outbox and follow the same configuration.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from hearback_kit.background import Runnable

Thing = TypeVar("Thing")
Run = TypeVar("Run", bound=Runnable)


@dataclass(slots=True)
class _Held:
    thing: Any
    users: int = 0


class Common:
    """Reference-counted resources by name."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}

    def take(self, name: str, make: Callable[[], Thing]) -> Thing:
        """Return the resource of this name, created by `make` if necessary; `release` it later."""
        held = self._held.get(name)
        if held is None:
            held = self._held[name] = _Held(make())
        held.users += 1
        thing: Thing = held.thing
        return thing

    async def release(self, name: str, close: Callable[[Any], Awaitable[object]] | None = None) -> None:
        """Release a resource; for the last user, `close` it."""
        held = self._held[name]
        held.users -= 1
        if not held.users:
            del self._held[name]
            if close is not None:
                await close(held.thing)


COMMON: Final[ContextVar[Common | None]] = ContextVar("hearback_common", default=None)
"""The shared resources of this process; None where app and worker are separate."""


class SharedRun(Generic[Run]):
    """A background task with several users: started by the first, stopped by the last."""

    def __init__(self, runnable: Run) -> None:
        self.runnable = runnable
        self._users = 0
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def idle_seconds(self) -> float:
        """Seconds since the task's last iteration."""
        idle: float = getattr(self.runnable, "idle_seconds", 0.0)
        return idle

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set; raise the task's error in every user."""
        if self._task is None or self._task.done():
            self._stop = asyncio.Event()
            self._task = asyncio.create_task(self.runnable.run(self._stop))
        task, self._users = self._task, self._users + 1
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((task, stopped), return_when=asyncio.FIRST_COMPLETED)
            if self._users == 1:
                self._stop.set()
                await asyncio.wait((task,))
        finally:
            stopped.cancel()
            self._users -= 1
            if not self._users and not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        if task.done():
            task.result()
