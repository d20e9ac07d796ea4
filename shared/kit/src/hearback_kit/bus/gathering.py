"""The moment in which a batch fills: none for a message after a pause, a bounded one under load.

Each batch is a transaction, whose cost hardly depends on how many messages it holds.
"""

import math
from typing import Final

_RATE_SECONDS: Final = 1.0  # how far back the rate of messages is known
_ENOUGH: Final = 90.0  # among so many messages the cost of a batch is little
_EXPECTED_MIN: Final = 5.0  # waiting for fewer messages than these gains little


class Gathering:
    """Says how long to wait before the next read, by how many messages came lately; times are monotonic seconds.

    Reads under load begin `seconds_max` apart: that is the longest a message waits for others. They begin sooner
    where enough come meanwhile, after half of it at the earliest. Time spent on the batch before counts; after a
    full batch there is no wait.
    """

    def __init__(self, seconds_max: float) -> None:
        self._seconds_max = seconds_max
        self._rate = 0.0
        self._read_at: float | None = None
        self._is_behind = False

    def count(self, now: float, messages: int, *, full: bool) -> None:
        """Count the messages of a read that ended `now`; `full` says that there may be more."""
        if self._read_at is not None:
            passed = max(now - self._read_at, 1e-3)
            weight = 1 - math.exp(-passed / _RATE_SECONDS)
            self._rate += (messages / passed - self._rate) * weight
        self._read_at, self._is_behind = now, full

    def seconds(self, now: float) -> float:
        """Return how many seconds to wait before reading."""
        if self._read_at is None or self._is_behind or self._rate * self._seconds_max < _EXPECTED_MIN:
            return 0.0
        moment = min(self._seconds_max, max(self._seconds_max / 2, _ENOUGH / self._rate))
        return min(moment, max(0.0, self._read_at + moment - now))
