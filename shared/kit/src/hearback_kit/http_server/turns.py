"""Taking turns, so that those who send many requests at once do not keep others waiting."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

_WAITS_MAX: Final = 256


class PipelinedTooMany(Exception):
    """Ends the parsing of a connection whose last request was refused."""


class Turns:
    """Serves one of those who wait per turn of the event loop, so that all other clients come between.

    Pipelined requests wait here, and whatever arrives from a crowd. Each has one place, however much it sends.
    The loop accepts one connection per turn; as long as more arrive nothing else is served here, for a while,
    since a new client may be one of the others.
    """

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()
        self._has_arrival = False
        self._waits = 0

    def note_arrival(self) -> None:
        """Note that a connection was accepted in this turn."""
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
