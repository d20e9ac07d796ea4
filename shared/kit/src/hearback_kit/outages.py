"""What an outage is: a server that cannot be used now, as against a command that is wrong.

Every client of a server decides by these functions, so that all of them see the same faults the same way:
connections refused, reset (also right after they were accepted), half closed, and peers that fall silent.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from traceback import walk_tb
from typing import Final

from hearback_kit.errors import Unavailable

# uvloop and asyncio raise a plain RuntimeError for a transport that was closed under the one who writes to it.
_CLOSED_TRANSPORT: Final = ("clos", "write_eof", "connection lost")


def is_connection_error(error: BaseException, drivers: tuple[str, ...]) -> bool:
    """Whether a connection cannot be made or was lost, as raised by the modules whose names begin with `drivers`.

    The same error of other code, such as one about a file, is not about a connection.
    """
    if isinstance(error, RuntimeError):
        return any(word in str(error) for word in _CLOSED_TRANSPORT) and _passed_through(error, drivers)
    return isinstance(error, (OSError, EOFError, TimeoutError)) and _passed_through(error, drivers)


def _passed_through(error: BaseException, modules: tuple[str, ...]) -> bool:
    frames = walk_tb(error.__traceback__)
    return any(frame.f_globals.get("__name__", "").startswith(modules) for frame, _ in frames)


def is_cancelled() -> bool:
    """Whether the running task was asked to end.

    If not, a CancelledError comes from a client whose connection was lost while it waited for its own future.
    """
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


@contextmanager
def outage_as_unavailable(is_outage: Callable[[BaseException], bool], detail: str) -> Iterator[None]:
    """Raise Unavailable for an outage that happens inside the block; `is_outage` knows the client's errors."""
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
