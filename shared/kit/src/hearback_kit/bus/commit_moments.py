"""The moment in which a transaction fills: bounded, and only where requests come close enough together.

Each transaction costs both sides system calls, and the server a write to its disk, however few requests share it.
A client that sends one request after the other would only wait; so where moments bring together much less than
the rate of requests promises, none is spent for a while.
"""

import math
from typing import Final

_RATE_SECONDS: Final = 1.0  # how far back the rate of requests is known
_EXPECTED_MIN: Final = 1.5  # waiting for fewer requests than these gains little
_TRIED: Final = 8  # moments that are judged together: single ones say little
_WORTH: Final = 1 / 3  # the part of what the rate promises that must have come
_REST_SECONDS_MIN: Final = 1.0
_REST_SECONDS_MAX: Final = 16.0


class CommitMoments:
    """Says how long the next transaction may fill; times are monotonic seconds.

    Transactions begin `seconds_max` apart where their requests are frequent enough, and sooner once
    `requests_max` wait.
    """

    def __init__(self, seconds_max: float, requests_max: int) -> None:
        self._seconds_max = seconds_max
        self._requests_max = requests_max
        self._rate = 0.0
        self._begun_at: float | None = None
        self._waiting_since: float | None = None
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
        if (
            self._begun_at is None
            or requests >= self._requests_max
            or now < self._rest_until
            or self._rate * self._seconds_max < _EXPECTED_MIN
        ):
            return 0.0
        wait = self._begun_at + self._seconds_max - now
        if wait <= 0:
            return 0.0
        if self._waiting_since is None:
            self._waiting_since = now
        return wait

    def begin(self, now: float, requests: int) -> None:
        """Count a transaction of `requests` that begins `now`."""
        since, self._waiting_since = self._waiting_since, None
        if since is not None:
            self._judge(now, self._rate * (now - since), requests - 1)
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
