"""What was published is shown, counted and erased by whoever asks next, at every route."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from hearback_devkit.fleet import call_signed
from hearback_fleet.erasures import ERASURES_PATH
from hearback_fleet.reprocessing import REPROCESSINGS_PATH

from ..conftest import lingering
from .test_accept_submission import ID, PATH, WORDS, Refusals

Door = Callable[[Refusals], Awaitable[Any]]


async def _listed(refusals: Refusals) -> Any:
    return [one["id"] for one in await refusals.api.get(PATH)]


async def _fate(refusals: Refusals) -> Any:
    return [(await refusals.detail())["id"]]


async def _counted(refusals: Refusals) -> Any:
    wanted = {"field": "sum(quantity)", "statsPeriod": "1h", "interval": "1h"}
    found = await refusals.api.get("/api/0/organizations/demo/stats_v2/", **wanted)
    return [ID] * sum(group["totals"]["sum(quantity)"] for group in found["groups"])


async def _accepted(refusals: Refusals) -> Any:
    return [(await refusals.accept())["id"]]


async def _refused(refusals: Refusals) -> Any:
    now, hour = refusals.store.clock.now(), timedelta(hours=1)
    wanted = {"start": (now - hour).isoformat(), "end": (now + hour).isoformat()}
    answer = await refusals.call(REPROCESSINGS_PATH, wanted)
    return [one["attempt"]["id"] for one in answer.json()["refused"]]


async def _erased(refusals: Refusals) -> Any:
    secret = refusals.store.settings.secret_key
    answer = await call_signed(refusals.api.client, ERASURES_PATH, {"email": WORDS["email"]}, secret=secret)
    return [ID] * answer.json()["erased"]["journalPayloads"]


@pytest.mark.parametrize("door", [_listed, _fate, _counted, _accepted, _refused, _erased])
async def test_whoever_asks_next_has_it(api: Any, bus: Any, door: Door) -> None:
    refusals = Refusals(api, bus)

    async def record() -> None:
        await refusals.step(payload=WORDS, refused=refusals.report(), counted=True)

    async with lingering(api.app, record):
        assert await door(refusals) == [ID]


@pytest.mark.parametrize(("age", "is_hurried"), [(timedelta(0), True), (timedelta(minutes=1), False)])
async def test_a_decided_fate_is_answered_at_once_and_a_new_one_is_complete_when_read_again(
    api: Any, bus: Any, age: timedelta, is_hurried: bool
) -> None:
    refusals, recording, go_on = Refusals(api, bus), asyncio.Event(), asyncio.Event()
    await refusals.step()
    refusals.store.clock.move(seconds=age.total_seconds())

    async def record() -> None:
        recording.set()
        await go_on.wait()
        await refusals.step()

    async with lingering(api.app, record) as recorded:
        assert len((await refusals.detail())["steps"]) == 1, "it did not wait"
        await refusals.detail()
        assert recording.is_set() is is_hurried
        go_on.set()
        if is_hurried:
            await recorded.wait()
            assert len((await refusals.detail())["steps"]) == 2
