"""The linger of consumers: under load, how long a read waits for more messages.

Each batch is a transaction, whose cost hardly depends on its number of messages.
"""

import math
from typing import Final

_RATE_SECONDS: Final = 1.0  # time constant of the rate of messages
_ENOUGH: Final = 140.0  # messages per batch, above which its cost matters little
_EXPECTED_MIN: Final = 5.0  # expected messages, below which lingering gains little


class Linger:
    """Calculates the linger before the next read from the recent rate of messages; times are monotonic seconds.

    Reads under load begin `seconds_max` apart, which is the longest that a message waits, or sooner at high rates,
    but at least half of it apart. Time spent on the previous batch counts, and after a full batch there is no
    linger.
    """

    def __init__(self, seconds_max: float) -> None:
        self._seconds_max = seconds_max
        self._rate = 0.0
        self._read_at: float | None = None
        self._is_behind = False

    def count(self, now: float, messages: int, *, full: bool) -> None:
        """Count the messages of a read that ended at `now`; `full` says that there may be more."""
        if self._read_at is not None:
            passed = max(now - self._read_at, 1e-3)
            weight = 1 - math.exp(-passed / _RATE_SECONDS)
            self._rate += (messages / passed - self._rate) * weight
        self._read_at, self._is_behind = now, full

    def seconds(self, now: float) -> float:
        """Return how many seconds to wait before reading."""
        if self._read_at is None or self._is_behind or self._rate * self._seconds_max < _EXPECTED_MIN:
            return 0.0
        interval = min(self._seconds_max, max(self._seconds_max / 2, _ENOUGH / self._rate))
        return min(interval, max(0.0, self._read_at + interval - now))
