"""Waits for conditions with a deadline."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

Found = TypeVar("Found")
_PAUSE_SECONDS = 0.02
SECONDS_MAX = 40.0  # what takes none of them on an idle machine may take most of them on a busy one


async def eventually(condition: Callable[[], Awaitable[Found] | Found], seconds: float = SECONDS_MAX) -> Found:
    """Call `condition` until its result is true, and return it; after a timeout raise its last error."""
    deadline = time.monotonic() + seconds
    while True:
        problem: Exception | None = None
        found: Found | None = None
        try:
            answer = condition()
            found = await answer if inspect.isawaitable(answer) else answer
        except (AssertionError, LookupError, OSError) as error:
            problem = error
        if problem is None and found:
            return found
        if time.monotonic() > deadline:
            raise problem or AssertionError(f"still {found!r} after {seconds} s")
        await asyncio.sleep(_PAUSE_SECONDS)


def eventually_sync(condition: Callable[[], Found], seconds: float = SECONDS_MAX) -> Found:
    """`eventually` for tests without an event loop."""
    deadline = time.monotonic() + seconds
    while True:
        problem: Exception | None = None
        found: Found | None = None
        try:
            found = condition()
        except (AssertionError, LookupError, OSError) as error:
            problem = error
        if problem is None and found:
            return found
        if time.monotonic() > deadline:
            raise problem or AssertionError(f"still {found!r} after {seconds} s")
        time.sleep(_PAUSE_SECONDS)
