"""Limits on hot paths: what concurrent callers ask is answered in one round trip, exactly.

While one batch is on its way the next one gathers. Callers that ask the same share a line of the
batch, so that a busy limit costs the server the same for one caller as for a hundred.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from typing import Any, Final

import hiredis

from hearback_kit.bus.wire import Wire, encode_command
from hearback_kit.clock import Clock
from hearback_kit.errors import Unavailable
from hearback_kit.limits import FAILED_OPEN, Limit
from hearback_kit.logs import get_logger

_log = get_logger(__name__)

# KEYS: counters. ARGV: per demand its role, how many callers make it, how many limits it has, and per
# limit (-1 only counts), quantity, seconds to live. Answer: per demand how many callers pass, then per
# limit 1 when it rejects the next one. Of a demand all limits count, or none.
SCRIPT: Final = """
local answer, rooted, key, at = {}, false, 0, 1
while at <= #ARGV do
  local role, callers, count = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local passed, used = callers, {}
  at = at + 2
  if role == '1' then rooted = false end
  if role == '3' and not rooted then passed = 0 end
  if passed > 0 then
    for i = 1, count do
      local limit, quantity = tonumber(ARGV[at + i * 3 - 2]), tonumber(ARGV[at + i * 3 - 1])
      if limit >= 0 then
        used[i] = tonumber(redis.call('GET', KEYS[key + i]) or '0')
        local room = callers
        if quantity > 0 then
          room = math.max(0, math.floor((limit - used[i]) / quantity))
        elseif used[i] >= limit then
          room = 0
        end
        passed = math.min(passed, room)
      end
    end
  end
  if passed > 0 and (role == '1' or role == '2') then rooted = true end
  answer[#answer + 1] = passed
  for i = 1, count do
    local limit, quantity = tonumber(ARGV[at + i * 3 - 2]), tonumber(ARGV[at + i * 3 - 1])
    local rejects = 0
    if passed < callers and used[i] then
      local next_used = used[i] + (passed + 1) * quantity
      if next_used > limit or (quantity == 0 and used[i] >= limit) then rejects = 1 end
    end
    answer[#answer + 1] = rejects
    if passed > 0 and quantity > 0 then
      local sum = string.format('%.0f', passed * quantity)
      if redis.call('INCRBY', KEYS[key + i], sum) == tonumber(sum) then
        redis.call('EXPIRE', KEYS[key + i], ARGV[at + i * 3])
      end
    end
  end
  key = key + count
  at = at + count * 3 + 1
end
return answer
"""


class Role(IntEnum):
    """How a demand hangs together with the others of its caller."""

    ALONE = 0
    ROOT = 1
    DEPENDENT = 3  # not looked at unless one of its caller's roots passed


_FURTHER_ROOT: Final = 2


@dataclass(eq=False, frozen=True, slots=True)
class Demand:
    """Limits, named differently, of which all count or none. Callers with the same object share a line."""

    limits: tuple[Limit, ...]
    role: Role = Role.ALONE


Waits = tuple[int, ...]
Told = Callable[[list[Waits]], None]
_Caller = tuple[Sequence[Demand], Told]
_Line = tuple[int, Demand, int]


class LimitBatches:
    """Checks demands on a Valkey server; when that does not answer, everything passes and is counted.

    `callers_max` bounds how many may wait; further ones pass.
    """

    def __init__(self, wire: Wire, clock: Clock, *, callers_max: int = 4_096) -> None:
        self._wire = wire
        self._clock = clock
        self._callers_max = callers_max
        self._gathering: list[_Caller] = []
        self._task: asyncio.Task[None] | None = None
        self._digest = ""

    async def check(self, demands: Sequence[Demand]) -> list[Waits]:
        """Per demand the seconds to wait by limit (0: not this one's fault); an empty tuple when it passes."""
        future: asyncio.Future[list[Waits]] = asyncio.get_running_loop().create_future()
        self.ask(demands, partial(_give, future))
        return await future

    def ask(self, demands: Sequence[Demand], told: Told) -> None:
        """Call `told` with what `check` returns: sooner or later, and at once when too many wait."""
        if len(self._gathering) >= self._callers_max:
            FAILED_OPEN.inc()
            told([()] * len(demands))
            return
        self._gathering.append((demands, told))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        try:
            while self._gathering:
                batch, self._gathering = self._gathering, []
                await self._settle(batch)
        finally:
            self._task = None

    async def _settle(self, batch: list[_Caller]) -> None:
        shared: dict[Demand, list[Told]] = {}
        several: list[_Caller] = []
        for demands, told in batch:
            if len(demands) == 1:
                shared.setdefault(demands[0], []).append(told)
            else:
                several.append((demands, told))
        lines: list[_Line] = [(0, demand, len(callers)) for demand, callers in shared.items()]
        for demands, _ in several:
            lines += _lines(demands)
        now = self._clock.now().timestamp()
        answer = iter(await self._answer(lines, now, len(batch)))
        for demand, callers in shared.items():
            passed, waits = _read(answer, demand, now, len(callers))
            for position, told in enumerate(callers):
                _tell(told, [() if position < passed else waits])
        for demands, told in several:
            _tell(told, [_read(answer, demand, now, 1)[1] for demand in demands])

    async def _answer(self, lines: list[_Line], now: float, callers: int) -> list[int]:
        """The server's answer; whatever keeps it from coming lets all pass, for somebody waits for each."""
        try:
            return await self._ask(lines, now)
        except (Unavailable, hiredis.HiredisError) as error:
            _log.warning("limits_failed_open", callers=callers, told=str(error))
        except Exception as error:
            _log.error("limits_failed_open", callers=callers, exc_info=error)
        FAILED_OPEN.inc(callers)
        return _all_pass(lines)

    async def _ask(self, lines: list[_Line], now: float) -> list[int]:
        keys: list[str] = []
        arguments: list[int] = []
        for role, demand, callers in lines:
            limits = demand.limits
            arguments += (role, callers, len(limits))
            for limit in limits:
                keys.append(limit.key(now))
                arguments += limit.arguments()
        answer = await self._run_script(keys, arguments)
        if isinstance(answer, Exception):
            raise answer
        found: list[int] = answer
        return found

    async def _run_script(self, keys: list[str], arguments: list[int]) -> Any:
        if self._digest:
            command = encode_command("EVALSHA", self._digest, len(keys), *keys, *arguments)
            answer = await self._wire.send([command], 1)
            if not (isinstance(answer, Exception) and str(answer).startswith("NOSCRIPT")):
                return answer
        digest = await self._wire.command("SCRIPT", "LOAD", SCRIPT)
        self._digest = digest.decode()
        return await self._wire.send([encode_command("EVALSHA", self._digest, len(keys), *keys, *arguments)], 1)


def _lines(demands: Sequence[Demand]) -> list[_Line]:
    """One caller's demands; its first root starts afresh what its dependents look at."""
    lines: list[_Line] = []
    rooted = False
    for demand in demands:
        role = int(demand.role)
        if demand.role is Role.ROOT:
            role, rooted = _FURTHER_ROOT if rooted else role, True
        lines.append((role, demand, 1))
    return lines


def _all_pass(lines: list[_Line]) -> list[int]:
    return [value for _, demand, callers in lines for value in (callers, *(0 for _ in demand.limits))]


def _read(answer: Any, demand: Demand, now: float, callers: int) -> tuple[int, Waits]:
    """How many callers pass, and the seconds to wait for those who do not (empty when all pass)."""
    passed = next(answer)
    rejects = [next(answer) for _ in demand.limits]
    if passed >= callers:
        return passed, ()
    return passed, tuple(
        limit.retry_after(now) if flag else 0 for limit, flag in zip(demand.limits, rejects, strict=True)
    )


def _tell(told: Told, waits: list[Waits]) -> None:
    try:
        told(waits)
    except Exception as problem:  # the others wait, too
        _log.error("limits_callback_failed", exc_info=problem)


def _give(future: "asyncio.Future[list[Waits]]", waits: list[Waits]) -> None:
    if not future.done():
        future.set_result(waits)
