"""Fixtures of client-reports' tests: a migrated database, the app with a caller, the worker's parts."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest_asyncio
from client_reports.app import create_app
from client_reports.consumers.outcome_recorded import OutcomeRecordedHandler
from client_reports.domain.counting import Count, CountKey, Effects
from client_reports.service.record_effects import EffectRecorder
from client_reports.settings import Settings
from client_reports.store.partitions import partitions_of
from client_reports.store.tables import METADATA
from hearback_contracts.categories import DataCategory
from hearback_contracts.events import OutcomeCount, OutcomeRecorded, SubmissionStep
from hearback_contracts.outcomes import Outcome, SubmissionState
from hearback_contracts.streams import OUTCOME_RECORDED
from hearback_devkit.fleet import as_incoming, publish_project, signed_in
from hearback_devkit.testing import ManualClock, running
from hearback_fleet.messages import outgoing
from hearback_kit.bus import Outgoing
from hearback_kit.db import Database
from hearback_kit.db.partitions import Partitions
from hearback_kit.stopping import Stopping
from hearback_kit.values.ids import new_id
from sqlalchemy import delete, text

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

    def handler(self, **settings: Any) -> OutcomeRecordedHandler:
        """What the worker takes messages of outcomes with."""
        return OutcomeRecordedHandler(self.recorder(**settings), shards=self.settings.stream_shards)

    async def rows(self, statement: str, **values: Any) -> Sequence[Any]:
        """What a statement finds."""
        async with self.database.connection() as connection:
            return (await connection.execute(text(statement), values)).all()

    def count(
        self,
        quantity: int,
        outcome: Outcome = Outcome.ACCEPTED,
        reason: str | None = None,
        *,
        ago: timedelta = timedelta(),
        organization_id: int = 1,
        project_id: int = 1,
        key_id: int | None = 1,
        category: DataCategory = DataCategory.ERROR,
        sdk: str | None = "sentry.python/2.75.0",
        times: int = 1,
    ) -> Count:
        """What a sender adds to one counter."""
        minute = (self.clock.now() - ago).replace(second=0, microsecond=0)
        key = CountKey(organization_id, project_id, key_id, int(category), int(outcome), reason, sdk, minute)
        return Count(key, quantity, times)

    async def add(self, *counts: Count) -> None:
        """Record counts, as of one message."""
        await self.recorder().record([Effects(uuid4(), self.clock.now(), counts)])

    def step(
        self,
        submission_id: str,
        state: SubmissionState = SubmissionState.STORED,
        step: str = "stored",
        **fields: Any,
    ) -> SubmissionStep:
        """A step of a submission to project 1, now, unless fields say otherwise."""
        fields = {"organization_id": 1, "project_id": 1, "at": self.clock.now(), **fields}
        return SubmissionStep(submission_id=submission_id, state=state, step=step, **fields)

    def message(self, *steps: SubmissionStep, outcomes: tuple[OutcomeCount, ...] = (), **fields: Any) -> Outgoing:
        """A message of outcomes."""
        fields = {"id": new_id(), "occurred_at": self.clock.now(), "project_id": 1, **fields}
        message = OutcomeRecorded(service="user-reports", steps=steps, outcomes=outcomes, **fields)
        return outgoing(OUTCOME_RECORDED, message, self.settings.stream_shards)

    async def take(self, *steps: SubmissionStep, **fields: Any) -> None:
        """Record a message of outcomes, as the worker does."""
        await self.handler()([as_incoming(self.message(*steps, **fields))])


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


@asynccontextmanager
async def lingering(app: Any, record: Callable[[], Awaitable[None]]) -> AsyncIterator[asyncio.Event]:
    """A worker beside the app, which lingers until someone reads, and then records what waits: set after that."""
    barrier, stop = app.state.state.read_barrier.for_consumer(), Stopping(asyncio.Event())
    begun, recorded = asyncio.Event(), asyncio.Event()

    async def consume() -> None:
        begun.set()
        await barrier.pause(30, stop)
        barrier.reading(lingered=True)
        barrier.handling(1)
        await record()
        recorded.set()
        await barrier.pause(30, stop)

    consuming = asyncio.create_task(consume())
    await begun.wait()
    yield recorded
    consuming.cancel()
    stop.close()


@pytest_asyncio.fixture(scope="session")
async def shared_database(databases: Any) -> str:
    """One migrated database for the session: making partitions for each test would take seconds."""
    return str(await databases.take(PACKAGE))


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
async def projects(redis: Any) -> None:
    """Organization 1 has projects 1 and 2, organization 2 has project 3."""
    for project_id, organization_id in ((1, 1), (2, 1), (3, 2)):
        await publish_project(redis, project_id=project_id, organization_id=organization_id)


@pytest_asyncio.fixture
async def api(store: Store, redis: Any, bus: Any, projects: None) -> AsyncIterator[Api]:
    app = create_app(store.settings, clock=store.clock)
    async with running(app) as client:
        client.headers.update(signed_in(app))
        yield Api(client, app, store, redis, bus)
