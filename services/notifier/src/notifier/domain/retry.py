"""When a failed delivery is tried again, and when a destination rests."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

FIRST_SECONDS: Final = 15.0
SECONDS_MAX: Final = 6 * 3_600.0


def delay(attempts: int, jitter: float) -> timedelta:
    """Return the pause after failed attempts: doubled each time, times 0.5 to 1.5 by `jitter` (0 to 1)."""
    seconds = min(SECONDS_MAX, FIRST_SECONDS * 2.0 ** min(attempts - 1, 30))
    return timedelta(seconds=seconds * (0.5 + jitter))


@dataclass(frozen=True, slots=True)
class Breaker:
    """A destination that failed `failures` times in a row rests until `rests_until`."""

    failures: int = 0
    rests_until: datetime | None = None

    def after_failure(self, now: datetime, *, failures_max: int, seconds: float) -> "Breaker":
        """Return the state after one more failure."""
        failures = self.failures + 1
        rests = now + timedelta(seconds=seconds) if failures >= failures_max else None
        return Breaker(failures, rests)
