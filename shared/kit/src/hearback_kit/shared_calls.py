"""Share a call among all that want its result at the same time."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Iterator
from functools import partial
from typing import Any, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Result = TypeVar("Result")


class SharedCalls(Generic[Key, Result]):
    """The calls in progress, by key; cancelling one that waits for a call does not cancel the call."""

    def __init__(self) -> None:
        self._tasks: dict[Key, asyncio.Task[Result]] = {}

    def __iter__(self) -> Iterator[Key]:
        return iter(self._tasks)

    def __contains__(self, key: object) -> bool:
        return key in self._tasks

    def begin(self, key: Key, call: Callable[[], Coroutine[Any, Any, Result]]) -> "asyncio.Task[Result]":
        """Return the call in progress, or a new one."""
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.get_running_loop().create_task(call())
            task.add_done_callback(partial(self._ended, key))
        return task

    async def result(self, key: Key, call: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Return the result of the call in progress, or of a new one."""
        return await asyncio.shield(self.begin(key, call))

    def cancel(self) -> None:
        """Cancel all calls."""
        for task in self._tasks.values():
            task.cancel()

    def _ended(self, key: Key, task: "asyncio.Task[Result]") -> None:
        del self._tasks[key]
        if not task.cancelled():
            task.exception()  # those that waited have it; there may be none left
