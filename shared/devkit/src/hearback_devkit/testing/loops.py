"""Running something on an event loop of its own, closed however that ends."""

import asyncio
import warnings
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


def run_on_loop(
    work: Coroutine[Any, Any, Result], make_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
) -> Result:
    """Run a coroutine on a new loop and return what it returns; raises AssertionError for a transport left open.

    While it closes its loop, uvloop warns of each open transport in a callback of libuv. When warnings are
    errors, as in tests, the callback ends there, the transport stays open, and the loop waits for it in C for
    ever, where no signal is handled. So warnings are recorded then, and raised afterwards.
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
