"""Measure how many connections of a pool are needed at once, to close idle ones.

An idle connection costs the server some megabytes, a new one about ten milliseconds and its prepared statements.
"""

from typing import Final

_QUIET_USES_MAX: Final = 30


class PoolUse:
    """Counts uses of a pool, in windows of `window_seconds`."""

    def __init__(self, window_seconds: float) -> None:
        self._window_seconds = window_seconds
        self._open = 0
        self._peak = 0
        self._uses = 0
        self._ends_at: float | None = None

    def begin(self) -> None:
        """Count the start of a use."""
        self._open += 1
        self._uses += 1
        self._peak = max(self._peak, self._open)

    def end(self, now: float) -> int | None:
        """Count the end of a use; at the end of a quiet window return the maximum of concurrent uses."""
        self._open -= 1
        if self._ends_at is None:
            self._ends_at = now + self._window_seconds
        if now < self._ends_at:
            return None
        peak, self._peak = self._peak, self._open
        uses, self._uses = self._uses, 0
        self._ends_at = now + self._window_seconds
        return peak if uses <= _QUIET_USES_MAX else None
