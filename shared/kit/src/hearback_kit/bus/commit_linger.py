"""The linger of group commits: how long a transaction waits for more requests.

Each transaction costs system calls on both sides and a disk write on the server, however few requests share it.
But a client that sends requests one after the other would only be slowed down, so lingering stops for a while if
it collects much fewer requests than their rate predicts.
"""

import math
from typing import Final

_RATE_SECONDS: Final = 1.0  # time constant of the rate of requests
_EXPECTED_MIN: Final = 2.0  # expected requests, below which lingering gains little
_NEARLY: Final = 0.15  # the share of the interval that is not worth a timer
_TRIED: Final = 8  # transactions per decision
_WORTH: Final = 1 / 2  # the share of the predicted requests that must have arrived
_REST_SECONDS_MIN: Final = 1.0
_REST_SECONDS_MAX: Final = 16.0


class CommitLinger:
    """Calculates the linger before the next transaction; times are monotonic seconds.

    Transactions begin `seconds_max` apart if requests are frequent enough, and sooner if `requests_max` requests
    wait. Servers may sleep as long (`rest`), leaving requests unread.
    """

    def __init__(self, seconds_max: float, requests_max: int) -> None:
        self._seconds_max = seconds_max
        self._requests_max = requests_max
        self._rate = 0.0
        self._begun_at: float | None = None
        self._waiting_since: float | None = None
        self._known = 0  # requests that had arrived by then
        self._waits = 0
        self._promised = self._came = 0.0
        self._rest_until = 0.0
        self._rest_seconds = _REST_SECONDS_MIN

    @property
    def is_used(self) -> bool:
        """Whether transactions linger at all."""
        return self._seconds_max > 0

    def seconds(self, now: float, requests: int) -> float:
        """Return for how many more seconds a transaction with `requests` lingers."""
        interval = self._interval(now)
        if self._begun_at is None or requests >= self._requests_max or not interval:
            return 0.0
        wait = self._begun_at + interval - now
        if wait <= _NEARLY * interval:
            return 0.0
        if self._waiting_since is None:
            self._waiting_since, self._known = now, 1
        return wait

    def rest(self, read_at: float, now: float) -> float:
        """Return how many seconds a server that read requests at `read_at` sleeps before it reads again."""
        wait = read_at + self._interval(now) - now
        if wait <= 0:
            self._waiting_since = None
            return 0.0
        self._waiting_since, self._known = now, 0
        return wait

    def _interval(self, now: float) -> float:
        """Return the seconds between transactions; 0 without lingering."""
        if now < self._rest_until or self._rate * self._seconds_max < _EXPECTED_MIN:
            return 0.0
        return min(self._seconds_max, self._requests_max / self._rate)

    def begin(self, now: float, requests: int) -> None:
        """Count a transaction of `requests` that begins at `now`."""
        since, self._waiting_since = self._waiting_since, None
        if since is not None:
            self._judge(now, self._rate * (now - since), requests - self._known)
        if self._begun_at is not None:
            passed = max(now - self._begun_at, 1e-4)
            self._rate += (requests / passed - self._rate) * (1 - math.exp(-passed / _RATE_SECONDS))
        self._begun_at = now

    def _judge(self, now: float, promised: float, came: int) -> None:
        """Decide after some transactions whether lingering is worth its latency."""
        self._waits += 1
        self._promised += promised
        self._came += came
        if self._waits < _TRIED:
            return
        if self._came < self._promised * _WORTH:
            self._rest_until = now + self._rest_seconds
            self._rest_seconds = min(2 * self._rest_seconds, _REST_SECONDS_MAX)
        else:
            self._rest_seconds = _REST_SECONDS_MIN
        self._waits, self._promised, self._came = 0, 0.0, 0.0
