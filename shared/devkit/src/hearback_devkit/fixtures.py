"""Pytest fixtures (loaded by `-p hearback_devkit.fixtures`): one set of engines per session.

`HEARBACK_TEST_DATABASE_URL` and `HEARBACK_TEST_REDIS_URL` point the tests at other servers, whose
data is lost.
"""

import gc
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
import structlog
from hearback_kit.bus import RedisStreams
from hearback_kit.db import Database
from hearback_kit.valkey import connect
from hypothesis import HealthCheck, settings
from redis.asyncio import Redis

from hearback_devkit.engines import PostgresEngine, ValkeyCluster, ValkeyEngine, engine_scratch_directory
from hearback_devkit.testing.databases import Databases, share_statements
from hearback_devkit.testing.faults import FaultProxy
from hearback_devkit.testing.routes import share_routes
from hearback_devkit.testing.s3 import S3Server

if TYPE_CHECKING:
    from playwright.async_api import Browser

MakeDatabase = Callable[..., Awaitable[str]]


def pytest_configure() -> None:
    """Set a secret for all tests, and options of property tests so that a busy machine fails none."""
    gc.disable()  # until all is imported and collected, hardly any of which is garbage
    os.environ.setdefault("HEARBACK_SECRET_KEY", "a secret for tests, long enough to be one")
    settings.register_profile("hearback", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("hearback")
    # structlog's defaults, except the variables of every frame, whose printing took most of the time.
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.processors.add_log_level, structlog.dev.set_exc_info, plain])
    share_routes()
    share_statements()
    # All HTTP clients share a TLS context, since loading the certificates takes longer than most requests.
    transports = import_module("httpx._transports.default")
    transports.create_ssl_context = cache(transports.create_ssl_context)  # type: ignore[attr-defined]


def pytest_collection_finish() -> None:
    """Exclude imported and collected objects from garbage collections, and collect less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
    gc.enable()


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    """Restore the configuration of logging after the test."""
    root = logging.getLogger()
    handlers, level, before = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**before)


@pytest.fixture(scope="session")
def engine_folder() -> Iterator[Path]:
    """Yield a folder for engine data that the account the engines run as can enter."""
    with engine_scratch_directory() as folder:
        yield folder


@pytest.fixture(scope="session")
def postgres_url(engine_folder: Path) -> Iterator[str]:
    """Yield the URL of a PostgreSQL server for the session."""
    given = os.environ.get("HEARBACK_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with PostgresEngine(engine_folder / "postgres", durable=False) as engine:
        yield engine.url


@pytest.fixture(scope="session")
def session_valkey_url(engine_folder: Path) -> Iterator[str]:
    """Yield the URL of a Valkey server for the session; tests use `redis_url`, which empties it first."""
    given = os.environ.get("HEARBACK_TEST_REDIS_URL")
    if given:
        yield given
        return
    with ValkeyEngine(engine_folder / "valkey", appendfsync="no") as engine:
        yield engine.url


@pytest.fixture(scope="session")
def session_valkey_cluster(engine_folder: Path) -> Iterator[ValkeyCluster]:
    """Yield a Valkey Cluster for the session; tests use `valkey_cluster`, which empties it first."""
    cluster = ValkeyCluster(engine_folder / "cluster", appendfsync="no")
    cluster.start()
    for node in cluster.nodes:  # so that a busy machine causes no failover
        node.ask("CONFIG", "SET", "cluster-node-timeout", 60_000)
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """Yield an S3 server for the session; use a prefix of your own, and do not stop it."""
    server = S3Server()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_s3_server() -> Iterator[S3Server]:
    """Yield an S3 server of the test's own, to be stopped and started at will."""
    server = S3Server()
    server.start()
    yield server
    server.stop()


@asynccontextmanager
async def _browser(*, captures: bool) -> AsyncIterator["Browser"]:
    from playwright.async_api import async_playwright, expect  # Slow to import, and few tests need it.

    from hearback_devkit.testing.browsers import launch_chromium

    expect.set_options(timeout=30_000)  # for busy machines
    async with async_playwright() as playwright:
        browser = await launch_chromium(playwright, captures=captures)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="session")
async def chromium() -> AsyncIterator["Browser"]:
    """Yield a headless Chromium for the session; open a context of your own in it."""
    async with _browser(captures=False) as browser:
        yield browser


@pytest_asyncio.fixture(scope="session")
async def capturing_chromium() -> AsyncIterator["Browser"]:
    """Yield a Chromium like `chromium` whose pages can capture their tab."""
    async with _browser(captures=True) as browser:
        yield browser


@pytest_asyncio.fixture
async def redis_url(session_valkey_url: str) -> str:
    """Return the URL of an empty Valkey server."""
    await _empty(session_valkey_url)
    return session_valkey_url


@pytest_asyncio.fixture
async def redis_proxy(redis_url: str) -> AsyncIterator[FaultProxy]:
    """Yield a proxy to the empty Valkey server, whose `url` leads there with the faults of the test."""
    async with FaultProxy.to(redis_url).run() as proxy:
        yield proxy


@pytest_asyncio.fixture
async def valkey_cluster(session_valkey_cluster: ValkeyCluster) -> ValkeyCluster:
    """Return an empty Valkey Cluster whose nodes all run; leave them running, and every slot on one node."""
    await _empty(session_valkey_cluster.url)
    return session_valkey_cluster


async def _empty(url: str) -> None:
    client = connect(url)
    await client.flushall()
    await client.aclose()


@pytest_asyncio.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """Yield a client of the empty Valkey server."""
    client = connect(redis_url)
    yield client
    await client.aclose()


@pytest_asyncio.fixture
async def bus(redis_url: str) -> AsyncIterator[RedisStreams]:
    """Yield a bus on the empty Valkey server."""
    bus = RedisStreams.open(redis_url)
    yield bus
    await bus.close()


@pytest_asyncio.fixture(scope="session")
async def databases(postgres_url: str) -> AsyncIterator[Databases]:
    """Yield the migrated databases of the session; tests use `make_database`, which gives them back."""
    found = await Databases.open(postgres_url)
    yield found
    await found.close(drops="HEARBACK_TEST_DATABASE_URL" in os.environ)


@pytest_asyncio.fixture
async def make_database(databases: Databases) -> AsyncIterator[MakeDatabase]:
    """Make a fresh, migrated database for a migrations package (`service.store.migrations`): its URL.

    Statements that follow the package define more; databases with the same ones are made together.
    """
    made: list[str] = []

    async def make(package: str, *definitions: str) -> str:
        made.append(await databases.take(package, *definitions))
        return made[-1]

    yield make
    for url in made:
        databases.give_back(url)


@pytest_asyncio.fixture
async def open_database(make_database: MakeDatabase) -> AsyncIterator[Callable[[str], Awaitable[Database]]]:
    """Make a fresh database for a migrations package and open it: a `Database`."""
    opened: list[Database] = []

    async def make(package: str) -> Database:
        database = Database(await make_database(package))
        opened.append(database)
        return database

    yield make
    for database in opened:
        await database.close()
