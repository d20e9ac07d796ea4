"""Fixtures of client-reports' tests: a migrated database, the app with a caller, the worker's parts."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import httpx
import pytest_asyncio
from client_reports.app import create_app
from client_reports.service.record_effects import EffectRecorder
from client_reports.settings import Settings
from client_reports.store.partitions import partitions_of
from client_reports.store.tables import METADATA
from hearback_devkit.fleet import publish_project, signed_in
from hearback_devkit.testing import ManualClock, running
from hearback_kit.db import Database, migrate
from hearback_kit.db.partitions import Partitions
from sqlalchemy import delete

PACKAGE = "client_reports.store.migrations"
NOW = datetime(2026, 11, 24, 12, 34, 56, tzinfo=UTC)


@dataclass
class Store:
    """A migrated database with its partitions, at a fixed time."""

    url: str
    database: Database
    clock: ManualClock
    partitions: Partitions
    settings: Settings

    def recorder(self, **settings: Any) -> EffectRecorder:
        """What the worker records batches with; `settings` are changed."""
        changed = self.settings.model_copy(update=settings)
        return EffectRecorder(changed, self.database, self.clock, self.partitions)


@dataclass
class Api:
    """The running app and a caller who owns organization 1; `callers` makes others."""

    client: httpx.AsyncClient
    app: Any
    store: Store
    redis: Any
    bus: Any

    async def get(self, path: str, status: int = 200, **params: Any) -> Any:
        response = await self.client.get(path, params=params)
        assert response.status_code == status, response.text
        return response.json()

    def configure(self, **settings: Any) -> None:
        """Change settings of the running app."""
        self.app.state.state = replace(
            self.app.state.state, settings=self.store.settings.model_copy(update=settings)
        )

    def caller(self, **options: Any) -> dict[str, str]:
        return signed_in(self.app, **options)


@pytest_asyncio.fixture(scope="session")
async def shared_database(postgres_url: str) -> str:
    """One migrated database for the session: making partitions for each test would take seconds."""
    base = postgres_url.rstrip("/")
    server = base if urlsplit(base).path else f"{base}/postgres"
    name = f"client_reports_{uuid4().hex[:12]}"
    connection = await asyncpg.connect(server)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    url = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    await migrate(url, PACKAGE)
    return url


@asynccontextmanager
async def opened(url: str, redis_url: str) -> AsyncIterator[Store]:
    """The store on a database, with the partitions of `NOW`."""
    settings = Settings(service_database_url=url, redis_url=redis_url, registry_url="http://127.0.0.1:9")
    database = Database(url)
    clock = ManualClock(NOW)
    partitions = partitions_of(database, settings)
    await partitions.ensure(clock.now())
    yield Store(url, database, clock, partitions, settings)
    await database.close()


@pytest_asyncio.fixture
async def store(shared_database: str, redis_url: str) -> AsyncIterator[Store]:
    """The store, emptied."""
    async with opened(shared_database, redis_url) as found:
        async with found.database.transaction() as connection:
            for table in METADATA.sorted_tables:
                await connection.execute(delete(table))
        yield found


@pytest_asyncio.fixture
async def fresh_store(make_database: Callable[[str], Awaitable[str]], redis_url: str) -> AsyncIterator[Store]:
    """The store on a database of its own."""
    async with opened(await make_database(PACKAGE), redis_url) as found:
        yield found


@pytest_asyncio.fixture
async def api(store: Store, redis: Any, bus: Any) -> AsyncIterator[Api]:
    await publish_project(redis)
    await publish_project(redis, project_id=2)
    await publish_project(redis, project_id=3, organization_id=2)
    app = create_app(store.settings, clock=store.clock)
    async with running(app) as client:
        client.headers.update(signed_in(app))
        yield Api(client, app, store, redis, bus)
