"""Tell outages of a server from errors of a command.

All clients use these functions, so that they treat the same faults alike: connections refused, reset (also right
after they were accepted), half-closed, and peers that stop responding.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from traceback import walk_tb
from typing import Final

from hearback_kit.errors import Unavailable

# uvloop and asyncio raise a plain RuntimeError for writing to a transport that was just closed.
_CLOSED_TRANSPORT: Final = ("clos", "write_eof", "connection lost")


def is_connection_error(error: BaseException, drivers: tuple[str, ...]) -> bool:
    """Return whether an error raised in modules with the prefixes `drivers` means a failed connection.

    The same error of other code, such as one about a file, does not.
    """
    if isinstance(error, RuntimeError):
        return any(word in str(error) for word in _CLOSED_TRANSPORT) and _passed_through(error, drivers)
    return isinstance(error, (OSError, EOFError, TimeoutError)) and _passed_through(error, drivers)


def _passed_through(error: BaseException, modules: tuple[str, ...]) -> bool:
    frames = walk_tb(error.__traceback__)
    return any(frame.f_globals.get("__name__", "").startswith(modules) for frame, _ in frames)


def is_cancelled() -> bool:
    """Return whether the current task is being cancelled.

    If not, a CancelledError comes from a client whose connection was lost while it awaited its own future.
    """
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


@contextmanager
def outage_as_unavailable(is_outage: Callable[[BaseException], bool], detail: str) -> Iterator[None]:
    """Raise Unavailable for an outage inside the block; `is_outage` classifies the client's errors."""
    try:
        yield
    except Unavailable:
        raise
    except asyncio.CancelledError as error:
        if is_cancelled():
            raise
        raise Unavailable(detail) from error
    except Exception as error:
        if is_outage(error):
            raise Unavailable(detail) from error
        raise
