"""The moment in which a transaction fills: bounded, and only where requests come close enough together.

Each transaction costs both sides system calls, and the server a write to its disk, however few requests share it.
A client that sends one request after the other would only wait; so where moments bring together much less than
the rate of requests promises, none is spent for a while.
"""

import math
from typing import Final

_RATE_SECONDS: Final = 1.0  # how far back the rate of requests is known
_EXPECTED_MIN: Final = 2.0  # waiting for fewer requests than these gains little
_NEARLY: Final = 0.15  # the part of a moment that is not worth a wait of its own
_TRIED: Final = 8  # moments that are judged together: single ones say little
_WORTH: Final = 1 / 2  # the part of what the rate promises that must have come
_REST_SECONDS_MIN: Final = 1.0
_REST_SECONDS_MAX: Final = 16.0


class CommitMoments:
    """Says how long the next transaction may fill; times are monotonic seconds.

    Transactions begin `seconds_max` apart where their requests are frequent enough, and sooner where
    `requests_max` come sooner. Servers may sleep as long (`rest`): then requests wait unread.
    """

    def __init__(self, seconds_max: float, requests_max: int) -> None:
        self._seconds_max = seconds_max
        self._requests_max = requests_max
        self._rate = 0.0
        self._begun_at: float | None = None
        self._waiting_since: float | None = None
        self._known = 0  # requests that had come by then
        self._moments = 0
        self._promised = self._came = 0.0
        self._rest_until = 0.0
        self._rest_seconds = _REST_SECONDS_MIN

    @property
    def is_used(self) -> bool:
        """Whether any transaction ever waits."""
        return self._seconds_max > 0

    def seconds(self, now: float, requests: int) -> float:
        """Return how many seconds a transaction that has `requests` may go on filling."""
        moment = self._moment(now)
        if self._begun_at is None or requests >= self._requests_max or not moment:
            return 0.0
        wait = self._begun_at + moment - now
        if wait <= _NEARLY * moment:
            return 0.0
        if self._waiting_since is None:
            self._waiting_since, self._known = now, 1
        return wait

    def rest(self, read_at: float, now: float) -> float:
        """Return how many seconds a server that read requests at `read_at` may wait before it reads again."""
        wait = read_at + self._moment(now) - now
        if wait <= 0:
            self._waiting_since = None
            return 0.0
        self._waiting_since, self._known = now, 0
        return wait

    def _moment(self, now: float) -> float:
        """Return how many seconds lie between two transactions; 0 where none waits."""
        if now < self._rest_until or self._rate * self._seconds_max < _EXPECTED_MIN:
            return 0.0
        return min(self._seconds_max, self._requests_max / self._rate)

    def begin(self, now: float, requests: int) -> None:
        """Count a transaction of `requests` that begins `now`."""
        since, self._waiting_since = self._waiting_since, None
        if since is not None:
            self._judge(now, self._rate * (now - since), requests - self._known)
        if self._begun_at is not None:
            passed = max(now - self._begun_at, 1e-4)
            self._rate += (requests / passed - self._rate) * (1 - math.exp(-passed / _RATE_SECONDS))
        self._begun_at = now

    def _judge(self, now: float, promised: float, came: int) -> None:
        """Decide after some moments whether they are worth what they cost those who wait."""
        self._moments += 1
        self._promised += promised
        self._came += came
        if self._moments < _TRIED:
            return
        if self._came < self._promised * _WORTH:
            self._rest_until = now + self._rest_seconds
            self._rest_seconds = min(2 * self._rest_seconds, _REST_SECONDS_MAX)
        else:
            self._rest_seconds = _REST_SECONDS_MIN
        self._moments, self._promised, self._came = 0, 0.0, 0.0
