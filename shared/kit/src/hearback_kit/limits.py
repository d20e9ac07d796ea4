"""Fixed-window limits in Valkey: many counters checked in one round trip, all or nothing.

Slots are shifted per scope so that windows of different tenants do not all end in the same second.
When Valkey cannot answer, everything passes and the failure is counted: limits protect, they do not
decide about durability.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Network, ip_address
from typing import Any, Final

from prometheus_client import Counter
from redis.asyncio import Redis

from hearback_kit.clock import Clock
from hearback_kit.errors import Unavailable
from hearback_kit.valkey import outage_as_unavailable

FAILED_OPEN = Counter("hearback_limits_failed_open", "Checks that passed because Valkey did not answer.")
PREFIX: Final = "hearback:limit:"
_GRACE_SECONDS: Final = 60

# KEYS: counters. ARGV: per counter limit (-1 only counts), quantity, seconds to live.
# Answer: per counter 1 when it rejects, else 0; nothing is counted when any rejects.
# A quantity of 0 only looks: it is rejected once the limit is used up (reference: ingestion-protocol 4.2).
SCRIPT: Final = """
local rejected = {}
local planned = {}
local any = false
for i, key in ipairs(KEYS) do
  local limit = tonumber(ARGV[i * 3 - 2])
  local quantity = tonumber(ARGV[i * 3 - 1])
  local used = planned[key] or tonumber(redis.call('GET', key) or '0')
  rejected[i] = 0
  if limit >= 0 and (used + quantity > limit or (quantity == 0 and used >= limit)) then
    rejected[i] = 1
    any = true
  end
  planned[key] = used + quantity
end
if not any then
  for i, key in ipairs(KEYS) do
    local quantity = ARGV[i * 3 - 1]
    if quantity ~= '0' and redis.call('INCRBY', key, quantity) == tonumber(quantity) then
      redis.call('EXPIRE', key, ARGV[i * 3])
    end
  end
end
return rejected
"""


@lru_cache(maxsize=4_096)
def subject_of(address: str) -> str:
    """Whom a client's address stands for in a limit's name: of IPv6 the /64, which is one household or host."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    return str(parsed.ipv4_mapped or IPv6Network((int(parsed), 64), strict=False))


@dataclass(frozen=True, slots=True)
class Limit:
    """A counter to check. `name` tells scope and subject; `limit` None only counts; `window` in seconds."""

    name: str
    limit: int | None
    window: int
    quantity: int = 1
    shift: int = 0

    def key(self, now: float) -> str:
        """The counter of the window that `now` (Unix seconds) falls into."""
        return f"{PREFIX}{self.name}:{self.window}:{math.floor((now - self.shift) / self.window)}"

    def retry_after(self, now: float) -> int:
        """Whole seconds until the window ends, at least 1."""
        return max(1, math.ceil(self.seconds_left(now)))

    def seconds_left(self, now: float) -> float:
        """Seconds until the window ends."""
        return self.window - (now - self.shift) % self.window

    def arguments(self) -> tuple[int, int, int]:
        """The script's arguments for this counter."""
        return (-1 if self.limit is None else self.limit, self.quantity, self.window + _GRACE_SECONDS)


class WindowLimits:
    """Checks limits on a Valkey server."""

    def __init__(self, client: Redis, clock: Clock) -> None:
        self._script: Any = client.register_script(SCRIPT)
        self._clock = clock

    async def check(self, limits: Sequence[Limit]) -> list[int]:
        """Per limit the seconds to wait, or 0 where it passes; counts only when all pass."""
        if not limits:
            return []
        now = self._clock.now().timestamp()
        arguments = [value for limit in limits for value in limit.arguments()]
        try:
            with outage_as_unavailable():
                rejected = await self._script(keys=[limit.key(now) for limit in limits], args=arguments)
        except Unavailable:
            FAILED_OPEN.inc()
            return [0] * len(limits)
        return [limit.retry_after(now) if flag else 0 for limit, flag in zip(limits, rejected, strict=True)]
