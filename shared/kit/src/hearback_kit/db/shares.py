"""Limit concurrent use of a resource per key, so that one tenant cannot exhaust it."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import Counter

from hearback_kit.errors import TooManyRequests

REFUSED = Counter("hearback_database_share_refused", "Queries refused because their tenant had as many as it may.")
WAIT_SECONDS_MAX: Final = 10.0
WAITING_MAX: Final = 50


@dataclass(slots=True)
class _Share:
    free: asyncio.Semaphore
    users: int = field(default=0)  # that hold a part or wait for one


class Shares:
    """Allows at most `share_max` concurrent uses per key; others wait, within bounds."""

    def __init__(
        self,
        share_max: int,
        *,
        wait_seconds_max: float = WAIT_SECONDS_MAX,
        waiting_max: int = WAITING_MAX,
    ) -> None:
        self._share_max = share_max
        self._wait_seconds_max = wait_seconds_max
        self._users_max = share_max + waiting_max
        self._shares: dict[Hashable, _Share] = {}

    @asynccontextmanager
    async def part(self, key: Hashable) -> AsyncIterator[None]:
        """Use the key's share; raise TooManyRequests if it does not become free in time."""
        share = self._shares.setdefault(key, _Share(asyncio.Semaphore(self._share_max)))
        if share.users >= self._users_max:
            raise _refusal()
        share.users += 1
        try:
            await self._acquire(share)
            try:
                yield
            finally:
                share.free.release()
        finally:
            share.users -= 1
            if share.users == 0:
                del self._shares[key]

    async def _acquire(self, share: _Share) -> None:
        try:
            async with asyncio.timeout(self._wait_seconds_max):
                await share.free.acquire()
        except TimeoutError as error:
            raise _refusal() from error


def _refusal() -> TooManyRequests:
    REFUSED.inc()
    return TooManyRequests(
        "Too many queries of this organization at once; try again.", code="busy", headers={"Retry-After": "5"}
    )
