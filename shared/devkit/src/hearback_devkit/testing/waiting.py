"""Waits for conditions with a deadline."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

Found = TypeVar("Found")
_PAUSE_SECONDS = 0.02
_RETRIED = (AssertionError, LookupError, OSError)
SECONDS_MAX = 60.0  # for busy machines


async def eventually(condition: Callable[[], Awaitable[Found] | Found], seconds: float = SECONDS_MAX) -> Found:
    """Call `condition` until its result is true, and return it; after a timeout raise its last error."""
    deadline = time.monotonic() + seconds
    while True:
        problem: Exception
        try:
            answer = condition()
            found = await answer if inspect.isawaitable(answer) else answer
            if found:
                return found
            problem = AssertionError(f"still {found!r} after {seconds} s")
        except _RETRIED as error:
            problem = error
        if time.monotonic() > deadline:
            raise problem
        await asyncio.sleep(_PAUSE_SECONDS)


def eventually_sync(condition: Callable[[], Found], seconds: float = SECONDS_MAX) -> Found:
    """`eventually` for tests without an event loop."""
    deadline = time.monotonic() + seconds
    while True:
        problem: Exception
        try:
            found = condition()
            if found:
                return found
            problem = AssertionError(f"still {found!r} after {seconds} s")
        except _RETRIED as error:
            problem = error
        if time.monotonic() > deadline:
            raise problem
        time.sleep(_PAUSE_SECONDS)
