"""Stop processes for a moment, so that databases and streams can be read as of one instant."""

import contextlib
import os
import select
import signal
from collections.abc import Iterator, Sequence
from typing import Final

FROZEN_SECONDS_MAX: Final = 20.0


@contextlib.contextmanager
def frozen(pids: Sequence[int]) -> Iterator[None]:
    """Keep processes from running while the block does, at most FROZEN_SECONDS_MAX.

    A child of its own continues them, so that they go on even when this process is killed in between.
    """
    read_end, write_end = os.pipe()
    watcher = os.fork()
    if watcher == 0:
        os.close(write_end)
        os.setsid()  # Ctrl-C is for the others
        select.select([read_end], [], [], FROZEN_SECONDS_MAX)
        _signal(pids, signal.SIGCONT)
        os._exit(0)
    os.close(read_end)
    try:
        _signal(pids, signal.SIGSTOP)
        yield
    finally:
        os.close(write_end)
        os.waitpid(watcher, 0)


def _signal(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
