"""The last resort when a process does not stop: a library that swallows cancellations, a thread that hangs."""

import faulthandler
import os
import sys
import threading
from typing import Final

EXIT_STATUS: Final = 70  # EX_SOFTWARE


class ExitDeadline:
    """Ends the process `seconds` after `start`, unless it was cancelled before."""

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, _exit, (seconds,))
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._started = False

    def start(self) -> None:
        """Start the countdown; only the first call counts."""
        with self._lock:
            if not self._started:
                self._started = True
                self._timer.start()

    def cancel(self) -> None:
        """Let the process end by itself."""
        self._timer.cancel()


def _exit(seconds: float) -> None:
    """End without waiting for anything; what every thread does goes to the error output."""
    try:
        sys.stderr.write(f"the process did not stop within {seconds:.0f} s and is ended\n")
        faulthandler.dump_traceback(sys.stderr)
    finally:  # wherever the output goes, it must not keep the process
        os._exit(EXIT_STATUS)
