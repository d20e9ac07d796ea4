"""Fixed-window limits and their counters in Valkey.

Windows can be shifted, so that those of different tenants do not all end in the same second.
"""

import math
from dataclasses import dataclass
from typing import Final

from prometheus_client import Counter

FAILED_OPEN = Counter("hearback_limits_failed_open", "Checks that passed because Valkey did not answer.")
PREFIX: Final = "hearback:limit:"
_GRACE_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit to check.

    `name` has scope and subject; `limit` None only counts; `window` and `shift` are in seconds. A `quantity` of 0
    counts nothing, but is refused once the limit is exhausted (protocol: limits#quotas).
    """

    name: str
    limit: int | None
    window: int
    quantity: int = 1
    shift: int = 0

    def key(self, now: float, tag: str = "") -> str:
        """Return the key of the window's counter at `now` (Unix seconds); `tag` is its hash tag."""
        return f"{PREFIX}{tag}{self.name}:{self.window}:{math.floor((now - self.shift) / self.window)}"

    def retry_after(self, now: float) -> int:
        """Return the whole seconds until the window ends, at least 1."""
        return max(1, math.ceil(self.seconds_left(now)))

    def seconds_left(self, now: float) -> float:
        """Return the seconds until the window ends."""
        return self.window - (now - self.shift) % self.window

    def arguments(self) -> tuple[int, int, int]:
        """Return the script's arguments for this counter."""
        return (-1 if self.limit is None else self.limit, self.quantity, self.window + _GRACE_SECONDS)
