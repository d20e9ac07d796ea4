"""Limits on hot paths: what concurrent callers ask is answered in one round trip, exactly.

While one batch is on its way the next one gathers. Callers that ask the same share a line of the
batch, so that a busy limit costs the server the same for one caller as for a hundred.

A busy limit with much room is asked for less often still: what goes by in a tenth of a second is counted
ahead and then passes without a round trip. It is at most a 64th of what is left, so that nothing ever
passes beyond a limit, and near its end everybody asks again; of what was counted ahead and never came,
a 64th of the room at most, the limit has lost.
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
from hearback_kit.limit_script import SCRIPT
from hearback_kit.limits import FAILED_OPEN, Limit
from hearback_kit.logs import get_logger

_log = get_logger(__name__)


class Role(IntEnum):
    """How a demand hangs together with the others of its caller."""

    ALONE = 0
    ROOT = 1
    DEPENDENT = 3  # not looked at unless one of its caller's roots passed


_FURTHER_ROOT: Final = 2
_LEASE_MAX: Final = 1_024
_LEASE_MIN: Final = 8
_LEASE_SECONDS: Final = 1.0
_LEASED_AHEAD_SECONDS: Final = 0.1
_PACE_SECONDS_MIN: Final = 0.05
_LEASES_KEPT: Final = 4_096


@dataclass(eq=False, frozen=True, slots=True)
class Demand:
    """Limits, named differently, of which all count or none. Callers with the same object share a line."""

    limits: tuple[Limit, ...]
    role: Role = Role.ALONE


Waits = tuple[int, ...]
Told = Callable[[list[Waits]], None]
_Caller = tuple[Sequence[Demand], Told]
_Line = tuple[int, Demand, int, int]


class _Lease:
    """What may still pass without asking, until when, and how much did since somebody asked."""

    __slots__ = ("_asked_at", "_left", "_spent", "_until")

    def __init__(self, asked_at: float, left: int, until: float) -> None:
        self._asked_at = asked_at
        self._left = left
        self._until = until
        self._spent = 0

    def spend(self, now: float) -> bool:
        """Let one pass, if it may."""
        if not self._left or not self._asked_at <= now < self._until:
            return False
        self._left -= 1
        self._spent += 1
        return True

    def renewal(self, now: float, callers: int) -> int:
        """How much to lease next: what goes by in a moment at the present pace; nothing at a slow one."""
        elapsed = max(_PACE_SECONDS_MIN, now - self._asked_at)
        wanted = int((self._spent + callers) / elapsed * _LEASED_AHEAD_SECONDS)
        return min(wanted, _LEASE_MAX) if wanted >= _LEASE_MIN else 0


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
        self._leases: dict[Demand, _Lease] = {}

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

    def passes(self, demand: Demand, now: float) -> bool:
        """Whether a demand passes without asking, because it was counted ahead; it is used up then.

        `now` is in Unix seconds. False says nothing: `ask`.
        """
        lease = self._leases.get(demand)
        return lease is not None and lease.spend(now)

    async def _settle(self, batch: list[_Caller]) -> None:
        now = self._clock.now().timestamp()
        shared: dict[Demand, list[Told]] = {}
        several: list[_Caller] = []
        for demands, told in batch:
            if len(demands) == 1 and self.passes(demands[0], now):
                _tell(told, [()])  # leased while they waited
            elif len(demands) == 1:
                shared.setdefault(demands[0], []).append(told)
            else:
                several.append((demands, told))
        if not shared and not several:
            return
        lines: list[_Line] = [
            (0, demand, len(callers), self._renewal(demand, now, len(callers)))
            for demand, callers in shared.items()
        ]
        for demands, _ in several:
            lines += _lines(demands)
        asking = len(several) + sum(map(len, shared.values()))
        answer = iter(await self._answer(lines, now, asking))
        for demand, callers in shared.items():
            passed, leased, waits = _read(answer, demand, now, len(callers))
            self._keep_lease(demand, now, leased)
            for position, told in enumerate(callers):
                _tell(told, [() if position < passed else waits])
        for demands, told in several:
            _tell(told, [_read(answer, demand, now, 1)[2] for demand in demands])

    def _renewal(self, demand: Demand, now: float, callers: int) -> int:
        lease = self._leases.get(demand)
        if lease is None or not all(limit.quantity for limit in demand.limits):
            return 0
        return lease.renewal(now, callers)

    def _keep_lease(self, demand: Demand, now: float, leased: int) -> None:
        if len(self._leases) >= _LEASES_KEPT:
            self._leases.clear()
        ends = min((limit.seconds_left(now) for limit in demand.limits), default=0.0)
        self._leases[demand] = _Lease(now, leased, now + min(ends, _LEASE_SECONDS))

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
        for role, demand, callers, leased in lines:
            limits = demand.limits
            arguments += (role, callers, leased, len(limits))
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
        lines.append((role, demand, 1, 0))
    return lines


def _all_pass(lines: list[_Line]) -> list[int]:
    return [value for _, demand, callers, _ in lines for value in (callers, 0, *(0 for _ in demand.limits))]


def _read(answer: Any, demand: Demand, now: float, callers: int) -> tuple[int, int, Waits]:
    """How many callers pass, how many more may, and the seconds to wait for the others (empty when all pass)."""
    passed, leased = next(answer), next(answer)
    rejects = [next(answer) for _ in demand.limits]
    if passed >= callers:
        return passed, leased, ()
    return (
        passed,
        leased,
        tuple(limit.retry_after(now) if flag else 0 for limit, flag in zip(demand.limits, rejects, strict=True)),
    )


def _tell(told: Told, waits: list[Waits]) -> None:
    try:
        told(waits)
    except Exception as problem:  # the others wait, too
        _log.error("limits_callback_failed", exc_info=problem)


def _give(future: "asyncio.Future[list[Waits]]", waits: list[Waits]) -> None:
    if not future.done():
        future.set_result(waits)
