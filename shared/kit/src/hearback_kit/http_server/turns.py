"""Fair scheduling, so that clients with many requests do not delay others."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

_WAITS_MAX: Final = 256


class PipelinedTooMany(Exception):
    """Stops the parser after too many pipelined requests."""


class Turns:
    """Serves one waiter per iteration of the event loop, so that all other clients are served in between.

    Waiters are pipelined requests, and data from address blocks with many connections. Each connection has one
    place. The loop accepts one connection per iteration; while more arrive, waiters are postponed for a while,
    since a new client may be another one.
    """

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()
        self._has_arrival = False
        self._waits = 0

    def note_arrival(self) -> None:
        """Note that a connection was accepted in this iteration."""
        self._has_arrival = True

    def wait(self, loop: asyncio.AbstractEventLoop, serve: Callable[[], None]) -> None:
        """Call `serve` when it is its turn."""
        self._waiting.append(serve)
        if len(self._waiting) == 1:
            loop.call_soon(self._next, loop)

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._has_arrival and self._waits < _WAITS_MAX:
            self._has_arrival = False
            self._waits += 1
            loop.call_soon(self._next, loop)
            return
        self._waits = 0
        serve = self._waiting.popleft()
        if self._waiting:
            loop.call_soon(self._next, loop)
        serve()
