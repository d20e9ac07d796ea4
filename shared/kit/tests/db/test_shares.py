"""Shares per key: bounded use, bounded waiting."""

import asyncio

import pytest
from hearback_devkit.testing import recorded
from hearback_kit.db.shares import Shares
from hearback_kit.errors import TooManyRequests


async def use(shares: Shares, key: int, ready: asyncio.Event) -> None:
    async with shares.part(key):
        await ready.wait()


async def start(shares: Shares, key: int, number: int, ready: asyncio.Event) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(use(shares, key, ready)) for _ in range(number)]
    await asyncio.sleep(0)
    return tasks


async def test_a_key_waits_for_its_own_share_and_no_other():
    shares, ready = Shares(2), asyncio.Event()
    ready.set()
    blocked = asyncio.Event()
    first = await start(shares, 1, 2, blocked)
    third = await start(shares, 1, 1, ready)
    await asyncio.gather(*await start(shares, 2, 5, ready))
    assert not third[0].done()
    blocked.set()
    await asyncio.gather(*first, *third)


async def test_waiting_has_bounds():
    shares, blocked = Shares(1, wait_seconds_max=0.01, waiting_max=1), asyncio.Event()
    before = recorded("hearback_database_share_refused_total")
    holding = await start(shares, 1, 1, blocked)
    waiting = await start(shares, 1, 1, blocked)
    with pytest.raises(TooManyRequests) as refused:
        await use(shares, 1, blocked)
    assert refused.value.code == "busy"
    with pytest.raises(TooManyRequests):
        await waiting[0]
    blocked.set()
    await holding[0]
    await use(shares, 1, blocked)
    assert recorded("hearback_database_share_refused_total") == before + 2


async def test_what_waits_may_be_cancelled():
    shares, blocked = Shares(1), asyncio.Event()
    holding = await start(shares, 1, 1, blocked)
    (waiting,) = await start(shares, 1, 1, blocked)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    blocked.set()
    await holding[0]
    await use(shares, 1, blocked)
