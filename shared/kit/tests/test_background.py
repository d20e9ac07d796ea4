"""Background tasks: the order they stop in, what a crash does, and what readiness says."""

import asyncio
import itertools
import time
from contextlib import asynccontextmanager

import pytest
from hearback_devkit.testing import beside, eventually
from hearback_kit.background import Background, Part, Stage, pause
from hearback_kit.errors import Unavailable
from hearback_kit.worker import Periodic, Work, Worker


class Recorder:
    """A part that notes when it starts and ends."""

    def __init__(self, name: str, log: list[str], *, ends_after: float = 0.0) -> None:
        self.name = name
        self.log = log
        self.ends_after = ends_after

    async def run(self, stop: asyncio.Event) -> None:
        self.log.append(f"{self.name} starts")
        try:
            await stop.wait()
            await pause(self.ends_after, asyncio.Event())
            self.log.append(f"{self.name} stops")
        except asyncio.CancelledError:
            self.log.append(f"{self.name} is cancelled")
            raise


class Crashing:
    """A part that crashes as often as it is allowed to, then runs."""

    def __init__(self, times: int = 1_000) -> None:
        self.times = times

    async def run(self, stop: asyncio.Event) -> None:
        if self.times:
            self.times -= 1
            raise ValueError("a bug")
        await stop.wait()


class Deaf:
    """A part that swallows every cancellation, as a library below it may."""

    def __init__(self) -> None:
        self.may_end = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        while not self.may_end.is_set():
            try:
                await self.may_end.wait()
            except asyncio.CancelledError:
                continue


async def readiness(background: Background) -> dict[str, str]:
    found = {}
    for name, check in background.checks.items():
        try:
            await check()
            found[name] = "ok"
        except Unavailable as error:
            found[name] = error.detail
    return found


async def test_parts_stop_stage_by_stage() -> None:
    log: list[str] = []
    parts = [
        Part("follower", Recorder("follower", log), Stage.FOLLOW),
        Part("relay", Recorder("relay", log, ends_after=0.01), Stage.RELAY),
        Part("consumer", Recorder("consumer", log, ends_after=0.03)),
        Part("job", Recorder("job", log)),
    ]
    async with Background(parts).running():
        await eventually(lambda: len(log) == 4)
        log.clear()
    assert log == ["job stops", "consumer stops", "relay stops", "follower stops"]


async def test_a_crash_stops_all_and_is_raised() -> None:
    log: list[str] = []
    parts = [Part("job", Recorder("job", log)), Part("broken", Crashing())]
    with pytest.raises(ValueError, match="a bug"):
        await Background(parts).run(asyncio.Event())
    assert log == ["job starts", "job stops"]


async def test_a_part_that_ends_by_itself_has_crashed() -> None:
    class Short:
        async def run(self, stop: asyncio.Event) -> None:
            return

    with pytest.raises(RuntimeError, match="short ended by itself"):
        await Background([Part("short", Short())]).run(asyncio.Event())


async def test_a_part_that_was_cancelled_by_its_own_client_has_crashed() -> None:
    class Cancelled:
        async def run(self, stop: asyncio.Event) -> None:
            raise asyncio.CancelledError

    log: list[str] = []
    parts = [Part("job", Recorder("job", log)), Part("odd", Cancelled())]
    with pytest.raises(RuntimeError, match="odd was cancelled from inside"):
        await Background(parts).run(asyncio.Event())
    assert log == ["job starts", "job stops"]


async def test_what_does_not_stop_in_time_is_cancelled() -> None:
    log: list[str] = []
    parts = [
        Part("slow", Recorder("slow", log, ends_after=60)),
        Part("relay", Recorder("relay", log), Stage.RELAY),
    ]
    async with Background(parts, stop_seconds_max=0.1).running():
        await eventually(lambda: len(log) == 2)
        log.clear()
    assert log == ["relay stops", "slow is cancelled"]


@pytest.mark.parametrize("end", ["stop", "cancel"])
async def test_what_swallows_its_cancellation_holds_nothing_up(end: str) -> None:
    deaf = Deaf()
    stop = asyncio.Event()
    background = Background([Part("deaf", deaf)], stop_seconds_max=0.05, cancel_seconds_max=0.1)
    task = asyncio.create_task(background.run(stop))
    await asyncio.sleep(0)
    if end == "stop":
        stop.set()
    else:
        task.cancel()
    done, _ = await asyncio.wait([task], timeout=5)
    assert done
    deaf.may_end.set()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_crashed_part_of_an_app_is_started_again_and_readiness_says_so() -> None:
    broken = Crashing(times=2)
    background = Background([Part("broken", broken)], restart_seconds=0.05)
    assert await readiness(background) == {"broken": "has not started"}
    async with background.running():
        await eventually(lambda: broken.times == 1)
        assert await readiness(background) == {"broken": "crashed: ValueError"}

        async def is_ready() -> bool:
            return await readiness(background) == {"broken": "ok"}

        await eventually(is_ready)
        assert broken.times == 0


async def test_a_part_that_hangs_is_not_ready() -> None:
    class Hanging(Recorder):
        idle_seconds = 61.0

    log: list[str] = []
    parts = [Part("consumers", Recorder("one", log)), Part("consumers", Hanging("two", log))]
    background = Background(parts)
    async with background.running():
        await eventually(lambda: log == ["one starts", "two starts"])
        assert await readiness(background) == {"consumers": "busy or stuck for 61 s"}


async def test_a_worker_shows_its_checks_while_it_runs_and_closes_what_it_opened() -> None:
    log: list[str] = []

    async def fine() -> None:
        return

    @asynccontextmanager
    async def opening():
        log.append("open")
        try:
            yield Work([Part("job", Recorder("job", log))], {"database": fine})
        finally:
            log.append("close")

    worker = Worker(opening)
    shown: dict = {}
    worker.show_checks(shown, "worker-")
    assert list(worker.checks) == ["worker"]
    assert list(shown) == ["worker-worker"]
    with pytest.raises(Unavailable):
        await worker.checks["worker"]()
    async with beside(worker.run):
        await eventually(lambda: "job starts" in log)
        assert set(worker.checks) == {"database", "job"}
        assert set(shown) == {"worker-database", "worker-job"}
    assert log == ["open", "job starts", "job stops", "close"]


async def test_a_job_that_is_woken_runs_sooner_but_not_more_often_than_it_may() -> None:
    times: list[float] = []

    async def job() -> None:
        times.append(time.monotonic())
        if len(times) < 3:
            periodic.wake()

    periodic = Periodic("job", 60.0, job, seconds_min=0.05)
    async with beside(periodic.run):
        await eventually(lambda: len(times) == 3)
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) >= 0.049
