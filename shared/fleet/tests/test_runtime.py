"""The runtime of apps and workers: what is opened is closed, in order, however starting or stopping goes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from hearback_contracts.streams import FEEDBACK_SUBMITTED
from hearback_devkit.testing import beside, eventually, running
from hearback_fleet.runtime import ServiceRuntime, service_app, service_worker
from hearback_fleet.runtime.consumers import consumer_name
from hearback_kit.background import Stage
from hearback_kit.bus import ConsumerOptions, Incoming
from hearback_kit.common import COMMON, Common
from hearback_kit.outbox import outbox_table
from hearback_kit.settings import ServiceSettings
from sqlalchemy import MetaData, Table
from sqlalchemy.ext.asyncio import create_async_engine


class Settings(ServiceSettings):
    service = "sample"


class Log(list[str]):
    """Notes what happens, in order."""

    def closing(self, name: str) -> Any:
        async def close() -> None:
            self.append(f"{name} closes")

        return close

    def part(self, name: str) -> Any:
        log = self

        class Part:
            async def run(self, stop: asyncio.Event) -> None:
                log.append(f"{name} runs")
                await stop.wait()
                log.append(f"{name} stops")

        return Part()


@pytest.fixture
def settings(redis_url: str, postgres_url: str) -> Settings:
    database_url = (
        postgres_url if urlsplit(postgres_url).path.strip("/") else postgres_url.rstrip("/") + "/postgres"
    )
    return Settings(redis_url=redis_url, service_database_url=database_url, consumer_idle_ms_min=100)


def build(log: Log, *, fails: bool = False) -> Any:
    def parts(runtime: ServiceRuntime) -> str:
        runtime.on_close(log.closing("first"))
        runtime.run("follower", log.part("follower"), Stage.FOLLOW)
        runtime.on_close(log.closing("second"))
        runtime.run("job", log.part("job"))
        if fails:
            raise RuntimeError("cannot start")
        return "the state"

    return parts


ENDING = ["job stops", "follower stops", "second closes", "first closes"]


async def test_an_app_stops_its_tasks_and_closes_what_it_opened(settings: Settings) -> None:
    log = Log()
    app = service_app(settings, title="Sample", description="x", build=build(log))
    for _ in range(2):  # an app may be started again
        log.clear()
        async with running(app) as client:
            assert app.state.state == "the state"
            assert app.state.access is not None
            await eventually(lambda: len(log) == 2)
            found = (await client.get("/readyz")).json()
            assert found["checks"] == {"follower": "ok", "job": "ok", "configuration": "ok"}
            log.clear()
        assert log == ENDING


async def test_a_worker_stops_its_tasks_and_closes_what_it_opened(settings: Settings) -> None:
    log = Log()
    async with beside(service_worker(settings, build=build(log)).run):
        await eventually(lambda: len(log) == 2)
        log.clear()
    assert log == ENDING


async def test_what_was_opened_is_closed_when_an_app_fails_to_start(settings: Settings) -> None:
    log = Log()
    app = service_app(settings, title="Sample", description="x", build=build(log, fails=True))
    with pytest.raises(RuntimeError, match="cannot start"):
        async with running(app):
            pass
    assert log == ["second closes", "first closes"]


async def test_what_was_opened_is_closed_when_a_worker_fails_to_start(settings: Settings) -> None:
    log = Log()
    with pytest.raises(RuntimeError, match="cannot start"):
        await service_worker(settings, build=build(log, fails=True)).run(asyncio.Event())
    assert log == ["second closes", "first closes"]


async def test_a_failing_close_keeps_no_other_from_closing(settings: Settings) -> None:
    log = Log()

    async def fail() -> None:
        raise OSError("gone already")

    runtime = ServiceRuntime(settings)
    for close in (log.closing("first"), fail, log.closing("last")):
        runtime.on_close(close)
    with pytest.raises(OSError, match="gone already"):
        async with runtime:
            pass
    assert log == ["last closes", "first closes"]


async def test_everything_a_service_can_use_is_opened_once_and_checked(settings: Settings) -> None:
    async with ServiceRuntime(settings, outbox=outbox_table(MetaData())) as runtime:
        for name in ("database", "configuration", "registry", "access", "blobs", "bus", "outbox", "relay"):
            assert getattr(runtime, name) is getattr(runtime, name)
        connection = runtime.resp_connection()
        runtime.require_valkey(connection)
        runtime.stream_bounds([FEEDBACK_SUBMITTED], 10)
        assert [(part.name, part.stage) for part in runtime.parts] == [
            ("configuration", Stage.FOLLOW),
            ("outbox", Stage.RELAY),
            ("stream-bounds", Stage.FOLLOW),
        ]
        assert set(runtime.checks) == {"database", "valkey"}
        for check in runtime.checks.values():
            await check()


async def test_a_service_without_an_outbox_cannot_use_one(settings: Settings) -> None:
    async with ServiceRuntime(settings) as runtime:
        with pytest.raises(AssertionError, match="sample was opened without an outbox"):
            _ = runtime.relay


async def test_a_worker_with_a_database_keeps_its_statistics(settings: Settings) -> None:
    worker = service_worker(settings, build=lambda runtime: runtime.add_check("own", runtime.database.ping))
    async with beside(worker.run):
        await eventually(lambda: set(worker.checks) == {"database", "own", "statistics"})


async def test_consumers_share_the_shards_under_one_name(settings: Settings, bus: Any) -> None:
    seen: list[Incoming] = []

    async def handle(messages: Any) -> None:
        seen.extend(messages)

    def parts(runtime: ServiceRuntime) -> None:
        runtime.consume(FEEDBACK_SUBMITTED, handle, batch_max=10, consumers=3)
        assert [list(part.runnable.keys) for part in runtime.parts if part.name == "consumers"] == [
            ["hearback:feedback.submitted:{0}", "hearback:feedback.submitted:{3}"],
            ["hearback:feedback.submitted:{1}"],
            ["hearback:feedback.submitted:{2}"],
            FEEDBACK_SUBMITTED.shard_keys(4),  # the helper's
        ]
        assert consumer_name(runtime.settings).startswith("sample-")

    worker = service_worker(settings, build=parts)
    async with beside(worker.run):
        await eventually(lambda: set(worker.checks) == {"valkey", "consumers", "stream-depths"})
        for check in worker.checks.values():
            await check()


@pytest.mark.parametrize(("is_common", "gather_ms"), [(True, 900), (False, 300)], ids=["one process", "apart"])
async def test_readers_who_are_not_heard_wait_for_no_long_moment(
    settings: Settings, is_common: bool, gather_ms: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[ConsumerOptions] = []
    monkeypatch.setattr(
        "hearback_fleet.runtime.consumers.Consumer", lambda *_, options, **__: made.append(options)
    )
    token = COMMON.set(Common() if is_common else None)
    try:
        async with ServiceRuntime(settings.model_copy(update={"gather_ms_max": 900})) as runtime:
            for read_barrier in (runtime.read_barrier, None):
                runtime.consume(FEEDBACK_SUBMITTED, NotImplemented, batch_max=10, read_barrier=read_barrier)
    finally:
        COMMON.reset(token)
    assert [options.gather_ms_max for options in made] == [gather_ms, 900]
    assert made[0].barrier is not None


async def test_what_runs_in_the_background_is_known_before_it_starts(settings: Settings) -> None:
    async with ServiceRuntime(settings, outbox=outbox_table(MetaData())) as runtime:
        runtime.started()
        with pytest.raises(RuntimeError, match="outbox was first used after everything had started"):
            _ = runtime.relay


def test_a_name_given_to_a_consumer_is_kept(settings: Settings) -> None:
    assert consumer_name(settings.model_copy(update={"consumer_name": "seven"})) == "seven"


@pytest.fixture
async def stored_outbox(settings: Settings) -> AsyncIterator[Table]:
    """An outbox whose table exists."""
    metadata = MetaData()
    outbox = outbox_table(metadata)
    parts = urlsplit(settings.database_url)._replace(scheme="postgresql+asyncpg")
    engine = create_async_engine(urlunsplit(parts))
    async with engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    yield outbox
    async with engine.begin() as connection:
        await connection.run_sync(metadata.drop_all)
    await engine.dispose()


async def test_an_app_and_a_worker_of_one_process_have_connections_in_common(
    settings: Settings, stored_outbox: Table
) -> None:
    runtimes: list[ServiceRuntime] = []

    def keep(runtime: ServiceRuntime) -> None:
        runtimes.append(runtime)
        assert runtime.relay is not None

    app = service_app(settings, title="Sample", description="x", build=keep, outbox=stored_outbox)
    worker = service_worker(settings, build=keep, outbox=stored_outbox)
    token = COMMON.set(Common())
    try:
        async with running(app):
            async with beside(worker.run):
                await eventually(lambda: len(runtimes) == 2)
                first, second = runtimes
                assert first.database is second.database
                assert first.relay is second.relay
                assert first.bus is second.bus
            await first.database.ping()
            await first.bus.ping()
    finally:
        COMMON.reset(token)
