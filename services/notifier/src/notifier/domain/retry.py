"""When a failed delivery is tried again."""

from datetime import timedelta
from typing import Final

FIRST_SECONDS: Final = 15.0
SECONDS_MAX: Final = 6 * 3_600.0


def delay(attempts: int, jitter: float) -> timedelta:
    """Return the pause after failed attempts: doubled each time, times 0.5 to 1.5 by `jitter` (0 to 1)."""
    seconds = min(SECONDS_MAX, FIRST_SECONDS * 2.0 ** min(attempts - 1, 30))
    return timedelta(seconds=seconds * (0.5 + jitter))
