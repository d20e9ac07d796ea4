"""Runs a coroutine on a new event loop."""

import asyncio
import warnings
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


def run_on_loop(
    work: Coroutine[Any, Any, Result], make_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
) -> Result:
    """Run a coroutine on a new loop and return its result. Raises AssertionError for transports left open.

    When a loop closes, uvloop warns of open transports in a callback of libuv. If warnings are errors, as in
    tests, the callback fails, the transport stays open, and the loop waits for it forever in C, where signals are
    not handled. So warnings are recorded, and raised afterwards.
    """
    runner = asyncio.Runner(loop_factory=make_loop)
    try:
        result = runner.run(work)
    finally:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ResourceWarning)
            runner.close()
    left_open = [str(one.message) for one in caught if one.category is ResourceWarning]
    assert not left_open, left_open
    return result
