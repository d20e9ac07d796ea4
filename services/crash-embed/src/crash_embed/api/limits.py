"""Limits for many requests at once: what gathers while one round trip is on its way shares the next.

A round trip per request would cost more than the script itself. As everywhere, a check that gets no answer
passes: limits protect, they decide nothing about durability.
"""

import asyncio
from collections.abc import Sequence
from hashlib import sha1
from typing import Any

from hearback_kit.bus.wire import Wire, encode_command
from hearback_kit.clock import Clock
from hearback_kit.errors import Unavailable
from hearback_kit.limits import FAILED_OPEN, SCRIPT, Limit

_MULTI = encode_command("MULTI")
_EXEC = encode_command("EXEC")
_SHA = sha1(SCRIPT.encode()).hexdigest()
_BATCH_MAX = 128

_Waiting = tuple[Sequence[Limit], "asyncio.Future[list[int]]"]


class SharedLimits:
    """`WindowLimits.check` over a pipelined connection; one batch is on its way at a time."""

    def __init__(self, wire: Wire, clock: Clock) -> None:
        self._wire = wire
        self._clock = clock
        self._gathering: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def check(self, limits: Sequence[Limit]) -> list[int]:
        """Per limit the seconds to wait, or 0 where it passes; counts only when all pass."""
        future: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()
        self._gathering.append((limits, future))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
        return await future

    async def _run(self) -> None:
        try:
            while self._gathering:
                batch = self._gathering[:_BATCH_MAX]
                del self._gathering[:_BATCH_MAX]
                await self._answer(batch)
        finally:
            self._task = None

    async def _answer(self, batch: list[_Waiting]) -> None:
        now = self._clock.now().timestamp()
        try:
            answers = await self._ask([limits for limits, _ in batch], now)
        except Exception:  # whatever the server said, the requests go on
            answers = [None] * len(batch)
        for (limits, future), flags in zip(batch, answers, strict=True):
            if future.done():
                continue
            if not isinstance(flags, list):
                FAILED_OPEN.inc()
                flags = [0] * len(limits)  # noqa: PLW2901
            waits = [limit.retry_after(now) if flag else 0 for limit, flag in zip(limits, flags, strict=True)]
            future.set_result(waits)

    async def _ask(self, checks: list[Sequence[Limit]], now: float) -> list[Any]:
        parts = [_MULTI, *(_command(limits, now) for limits in checks), _EXEC]
        answers = await self._wire.send(parts, len(parts))
        if isinstance(answers, list) and any("NOSCRIPT" in str(one) for one in answers):
            await self._wire.command("SCRIPT", "LOAD", SCRIPT)
            answers = await self._wire.send(parts, len(parts))
        if not isinstance(answers, list):
            raise Unavailable("the limits cannot be read") from answers
        return answers


def _command(limits: Sequence[Limit], now: float) -> bytes:
    arguments = [value for limit in limits for value in limit.arguments()]
    return encode_command("EVALSHA", _SHA, len(limits), *(limit.key(now) for limit in limits), *arguments)
