"""The rate limiter: concurrent checks share a round trip to Valkey, and are exact.

While a batch is in flight, the next one collects. Callers with the same check share a line of the batch, so a busy
limit costs the server the same for one caller as for a hundred. On a cluster, each slot has its own round trip,
and the counters of one check are in one slot.

A busy limit with much room needs fewer round trips: the expected use of a tenth of a second is counted in advance
(leased), and passes without one. A lease is at most 1/64 of what is left, so the limit is never exceeded, and near
its end every check goes to the server again. Unused leases are lost to the limit.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import hiredis

from hearback_kit.clock import Clock
from hearback_kit.errors import Unavailable
from hearback_kit.limits.checks import Lease, LimitCheck, RetryAfters, Role
from hearback_kit.limits.script import SCRIPT
from hearback_kit.limits.windows import FAILED_OPEN, Limit
from hearback_kit.logs import get_logger
from hearback_kit.resp import Wire, encode_command
from hearback_kit.resp_cluster import Connections, RespCluster

_log = get_logger(__name__)


_FURTHER_PARENT: Final = 2
_LEASE_SECONDS: Final = 1.0
_LEASES_KEPT: Final = 4_096

Callback = Callable[[list[RetryAfters]], None]
_Caller = tuple[Sequence[LimitCheck], Callback]
_Line = tuple[int, LimitCheck, int, int]


class LimitBatches:
    """Checks limits on a Valkey server.

    It fails open: if the server does not answer in time, or more than `callers_max` wait, everything passes, and
    is counted in `hearback_limits_failed_open`.
    """

    def __init__(self, connection: Connections, clock: Clock, *, callers_max: int = 4_096) -> None:
        self._connection = connection
        self._clock = clock
        self._callers_max = callers_max
        self._waiting: list[_Caller] = []
        self._task: asyncio.Task[None] | None = None
        self._digest = ""
        self._leases: dict[LimitCheck, Lease] = {}

    async def retry_after(self, *limits: Limit) -> int:
        """Count a request under limits with different names; return the seconds to wait, 0 if it passed.

        Nothing is counted if any limit refuses.
        """
        if not limits:
            return 0
        (waits,) = await self.check([LimitCheck(limits, shared=False)])
        return max(waits, default=0)

    async def check(self, checks: Sequence[LimitCheck]) -> list[RetryAfters]:
        """Check and count in one round trip."""
        future: asyncio.Future[list[RetryAfters]] = asyncio.get_running_loop().create_future()
        self.submit(checks, partial(_resolve, future))
        return await future

    def submit(self, checks: Sequence[LimitCheck], callback: Callback) -> None:
        """Call `callback` with the result of `check`: later, or immediately if too many wait."""
        if len(self._waiting) >= self._callers_max:
            FAILED_OPEN.inc()
            callback([()] * len(checks))
            return
        self._waiting.append((checks, callback))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._settle(batch)
        finally:
            self._task = None

    def passes(self, check: LimitCheck, now: float) -> bool:
        """Return whether a check passes by its lease, which is then used.

        `now` is in Unix seconds. False means undecided: `submit` the check.
        """
        lease = self._leases.get(check)
        return lease is not None and lease.spend(now)

    async def _settle(self, batch: list[_Caller]) -> None:
        now = self._clock.now().timestamp()
        shared: dict[LimitCheck, list[Callback]] = {}
        own: list[_Caller] = []
        for checks, callback in batch:
            first = checks[0]
            if len(checks) > 1 or not first.shared:
                own.append((checks, callback))
            elif self.passes(first, now):
                _call(callback, [()])  # leased while it waited
            else:
                shared.setdefault(first, []).append(callback)
        if not shared and not own:
            return
        lines: list[_Line] = [
            (0, check, len(callers), self._renewal(check, now, len(callers))) for check, callers in shared.items()
        ]
        for checks, _ in own:
            lines += _lines(checks)
        waiting = len(own) + sum(map(len, shared.values()))
        answer = iter(await self._answers(lines, now, waiting))
        for check, callers in shared.items():
            passed, leased, waits = _read(answer, check, now, len(callers))
            self._keep_lease(check, now, leased)
            for position, callback in enumerate(callers):
                _call(callback, [() if position < passed else waits])
        for checks, callback in own:
            _call(callback, [_read(answer, check, now, 1)[2] for check in checks])

    def _renewal(self, check: LimitCheck, now: float, callers: int) -> int:
        lease = self._leases.get(check)
        if lease is None or not all(limit.quantity for limit in check.limits):
            return 0
        return lease.renewal(now, callers)

    def _keep_lease(self, check: LimitCheck, now: float, leased: int) -> None:
        if len(self._leases) >= _LEASES_KEPT:
            self._leases.clear()
        ends = min((limit.seconds_left(now) for limit in check.limits), default=0.0)
        self._leases[check] = Lease(now, leased, now + min(ends, _LEASE_SECONDS))

    async def _answers(self, lines: list[_Line], now: float, waiting: int) -> list[int]:
        """Return the answer to all lines; on a cluster, merged from its slots."""
        if not isinstance(self._connection, RespCluster):
            return await self._answer(self._connection, lines, now, waiting)
        places: dict[str, list[int]] = {}
        for place, (_, check, _, _) in enumerate(lines):
            places.setdefault(check.tag, []).append(place)
        by_place: dict[int, list[int]] = {}

        async def ask(wire: Wire, tag: str) -> None:
            part = [lines[place] for place in places[tag]]
            answer = iter(await self._answer(wire, part, now, sum(callers for _, _, callers, _ in part), tag))
            for place in places[tag]:
                by_place[place] = [next(answer) for _ in range(2 + len(lines[place][1].limits))]

        await asyncio.gather(*(ask(self._connection.on(tag), tag) for tag in places))
        return [value for place in range(len(lines)) for value in by_place[place]]

    async def _answer(self, wire: Wire, lines: list[_Line], now: float, waiting: int, tag: str = "") -> list[int]:
        """Return the server's answer, or one with which all pass after any error."""
        try:
            return await self._run_script(wire, lines, now, tag)
        except (Unavailable, hiredis.HiredisError) as error:
            _log.warning("limits_failed_open", callers=waiting, error=str(error))
        except Exception as error:
            _log.error("limits_failed_open", callers=waiting, exc_info=error)
        FAILED_OPEN.inc(waiting)
        return _all_pass(lines)

    async def _run_script(self, wire: Wire, lines: list[_Line], now: float, tag: str) -> list[int]:
        keys: list[str] = []
        arguments: list[int] = []
        for role, check, callers, leased in lines:
            limits = check.limits
            arguments += (role, callers, leased, len(limits))
            for limit in limits:
                keys.append(limit.key(now, tag))
                arguments += limit.arguments()
        answer = await self._evaluate(wire, keys, arguments)
        if isinstance(answer, Exception):
            raise answer
        found: list[int] = answer
        return found

    async def _evaluate(self, wire: Wire, keys: list[str], arguments: list[int]) -> Any:
        if self._digest:
            command = encode_command("EVALSHA", self._digest, len(keys), *keys, *arguments)
            answer = await wire.send([command], 1)
            if not (isinstance(answer, Exception) and str(answer).startswith("NOSCRIPT")):
                return answer
        digest = await wire.command("SCRIPT", "LOAD", SCRIPT)
        self._digest = digest.decode()
        command = encode_command("EVALSHA", self._digest, len(keys), *keys, *arguments)
        return await wire.send([command], 1)


def _lines(checks: Sequence[LimitCheck]) -> list[_Line]:
    """Return the lines of one caller's checks; the first parent resets the script's state of parents."""
    lines: list[_Line] = []
    has_parent = False
    for check in checks:
        role = int(check.role)
        if check.role is Role.PARENT:
            role, has_parent = _FURTHER_PARENT if has_parent else role, True
        lines.append((role, check, 1, 0))
    return lines


def _all_pass(lines: list[_Line]) -> list[int]:
    return [value for _, check, callers, _ in lines for value in (callers, 0, *(0 for _ in check.limits))]


def _read(answer: Any, check: LimitCheck, now: float, callers: int) -> tuple[int, int, RetryAfters]:
    """Return how many callers pass, how many checks are leased, and the waits of the others (empty if none)."""
    passed, leased = next(answer), next(answer)
    rejects = [next(answer) for _ in check.limits]
    if passed >= callers:
        return passed, leased, ()
    return (
        passed,
        leased,
        tuple(limit.retry_after(now) if flag else 0 for limit, flag in zip(check.limits, rejects, strict=True)),
    )


def _call(callback: Callback, waits: list[RetryAfters]) -> None:
    try:
        callback(waits)
    except Exception as problem:  # the others wait, too
        _log.error("limits_callback_failed", exc_info=problem)


def _resolve(future: "asyncio.Future[list[RetryAfters]]", waits: list[RetryAfters]) -> None:
    if not future.done():
        future.set_result(waits)
