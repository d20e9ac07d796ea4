"""The limiter of before, on redis-py; it goes when registry, user-reports and crash-embed use `LimitBatches`."""

from collections.abc import Sequence
from typing import Any, Final

from redis.asyncio import Redis

from hearback_kit.clock import Clock
from hearback_kit.errors import Unavailable
from hearback_kit.limits.windows import FAILED_OPEN, Limit
from hearback_kit.valkey import outage_as_unavailable

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
