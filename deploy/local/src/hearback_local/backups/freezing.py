"""Suspend processes, so that databases and streams can be saved as of the same instant."""

import contextlib
import os
import select
import signal
from collections.abc import Iterator, Sequence
from typing import Final

FROZEN_SECONDS_MAX: Final = 20.0


@contextlib.contextmanager
def frozen(pids: Sequence[int]) -> Iterator[None]:
    """Suspend processes for the time of the block, at most FROZEN_SECONDS_MAX.

    A child process resumes them, so that they run on even if this process is killed.
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
