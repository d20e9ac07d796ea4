"""What an app and a worker have in common: opened once, closed by the last, run until the last one stops."""

import asyncio

import pytest
from hearback_devkit.testing import eventually
from hearback_kit.common import Common, SharedRun


async def test_the_last_user_closes() -> None:
    common, closed = Common(), []

    async def close(thing: object) -> None:
        closed.append(thing)

    first = common.take("thing", object)
    assert common.take("thing", object) is first
    await common.release("thing", close)
    assert not closed
    await common.release("thing", close)
    assert closed == [first]
    assert common.take("thing", object) is not first, "opened once more after the end"


class Loop:
    def __init__(self) -> None:
        self.runs = 0
        self.ended = 0
        self.fail = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        self.runs += 1
        waits = [asyncio.ensure_future(event.wait()) for event in (stop, self.fail)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if self.fail.is_set():
            raise RuntimeError("broken")
        await asyncio.sleep(0)  # it finishes what is in hand
        self.ended += 1


async def test_a_shared_task_runs_once_until_the_last_stops() -> None:
    loop = Loop()
    shared = SharedRun(loop)
    stops = [asyncio.Event(), asyncio.Event()]
    users = [asyncio.create_task(shared.run(stop)) for stop in stops]
    await eventually(lambda: loop.runs == 1)
    stops[0].set()
    await users[0]
    assert not users[1].done()
    assert not loop.ended
    stops[1].set()
    await users[1]
    assert (loop.runs, loop.ended) == (1, 1)


async def test_a_crash_of_a_shared_task_is_raised_by_every_user_and_can_be_run_again() -> None:
    loop = Loop()
    shared, stop = SharedRun(loop), asyncio.Event()
    users = [asyncio.create_task(shared.run(stop)) for _ in range(2)]
    await eventually(lambda: loop.runs == 1)
    loop.fail.set()
    for user in users:
        with pytest.raises(RuntimeError, match="broken"):
            await user
    loop.fail.clear()
    again = asyncio.create_task(shared.run(stop))
    await eventually(lambda: loop.runs == 2)
    stop.set()
    await again
    assert loop.ended == 1


async def test_cancelling_the_last_user_cancels_the_task() -> None:
    class Stuck:
        cancelled = False
        stopping = asyncio.Event()

        async def run(self, stop: asyncio.Event) -> None:
            await stop.wait()
            self.stopping.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled = True
                raise

    stuck = Stuck()
    shared, stop = SharedRun(stuck), asyncio.Event()
    user = asyncio.create_task(shared.run(stop))
    stop.set()
    await stuck.stopping.wait()
    user.cancel()
    with pytest.raises(asyncio.CancelledError):
        await user
    assert stuck.cancelled
