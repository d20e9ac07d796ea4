"""A running feedback service on real engines, with configuration published as the registry would."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import pytest_asyncio
from feedback.app import create_app
from feedback.consumers.feedback_submitted import FeedbackSubmittedHandler
from feedback.settings import Settings
from feedback.store.tables import OUTBOX
from hearback_contracts.config import MemberRef
from hearback_contracts.events import FeedbackSubmitted, OutcomeCount, OutcomeRecorded, SubmissionStep
from hearback_contracts.sources import FeedbackSource
from hearback_contracts.streams import FEEDBACK_SUBMITTED, OUTCOME_RECORDED
from hearback_fleet.configuration import Configuration
from hearback_fleet.messages import outgoing
from hearback_fleet.testing import publish_project, signed_in
from hearback_kit.bus import Incoming, Outgoing, RedisStreams
from hearback_kit.db import Database
from hearback_kit.ids import new_id, random_id
from hearback_kit.outbox import Outbox, OutboxRelay
from hearback_kit.testing import ManualClock, running
from sqlalchemy import delete, select

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MEMBERS = (
    MemberRef(id=1, email="owner@example.com", name="Olga Owner", role="owner"),
    MemberRef(id=2, email="dev@example.com", name="Dev Eloper"),
)


def payload(message: Any = "The button is dead", **event: Any) -> dict[str, Any]:
    """A feedback event as an SDK sends it; `feedback=` adds to `contexts.feedback`."""
    context = {"message": message, **event.pop("feedback", {})}
    contexts = {"feedback": context, **event.pop("contexts", {})}
    return {"type": "feedback", "timestamp": NOW.timestamp(), "contexts": contexts, **event}


def submitted(
    body: dict[str, Any] | bytes | None = None,
    *,
    event_id: str | None = None,
    project_id: int = 1,
    organization_id: int = 1,
    received_at: datetime = NOW,
    source: FeedbackSource = FeedbackSource.NEW_FEEDBACK_ENVELOPE,
    submission_id: str | None = None,
    **more: Any,
) -> Outgoing:
    """A `feedback.submitted` message as the gateway writes it."""
    event_id = event_id or random_id()
    raw = body if isinstance(body, bytes) else orjson.dumps(payload() if body is None else body)
    message = FeedbackSubmitted(
        id=new_id(),
        occurred_at=received_at,
        project_id=project_id,
        organization_id=organization_id,
        key_id=project_id,
        received_at=received_at,
        event_id=event_id,
        submission_id=submission_id or event_id,
        source=source,
        **more,
    )
    return outgoing(FEEDBACK_SUBMITTED, message, 4, body=raw)


def as_incoming(message: Outgoing, entry_id: str = "1-1") -> Incoming:
    """A message as a consumer reads it."""
    return Incoming(message.key, entry_id, message.type, message.version, message.data, message.body)


@dataclass
class Told:
    """What the service told of its decisions."""

    outcomes: list[OutcomeCount] = field(default_factory=list)
    steps: list[SubmissionStep] = field(default_factory=list)

    def quantities(self) -> dict[tuple[int, int, str | None], int]:
        """Quantities by (category, outcome, reason)."""
        found: dict[tuple[int, int, str | None], int] = {}
        for outcome in self.outcomes:
            key = (outcome.category, outcome.outcome, outcome.reason)
            found[key] = found.get(key, 0) + outcome.quantity
        return found


@dataclass
class Intake:
    """The consumer's handler on a fresh database."""

    database: Database
    handler: FeedbackSubmittedHandler
    settings: Settings
    clock: ManualClock
    outbox: Outbox
    relay: OutboxRelay
    configuration: Configuration

    async def take(self, *messages: Outgoing) -> Told:
        """Handle messages as one batch; returns what was told."""
        await self.handler([as_incoming(message) for message in messages])
        return await self.told()

    async def told(self) -> Told:
        """What lies in the outbox, which is emptied."""
        told = Told()
        async with self.database.transaction() as connection:
            for row in await connection.execute(select(OUTBOX).order_by(OUTBOX.c.id)):
                recorded = OutcomeRecorded.model_validate_json(row.data)
                assert row.key == OUTCOME_RECORDED.key(recorded.project_id, self.settings.stream_shards)
                told.outcomes += recorded.outcomes
                told.steps += recorded.steps
            await connection.execute(delete(OUTBOX))
        return told


MakeIntake = Callable[..., Awaitable[Intake]]


@pytest_asyncio.fixture
async def settings(make_database: Any, redis_url: str, tmp_path: Any) -> Settings:
    """Settings of a service with a fresh database."""
    url = await make_database("feedback.store.migrations")
    return Settings(
        service_database_url=url,
        redis_url=redis_url,
        blob_url=f"file://{tmp_path}/blobs",
        public_url="http://testserver",
    )


@pytest_asyncio.fixture
async def clock() -> ManualClock:
    """The service's clock."""
    return ManualClock(NOW)


@pytest_asyncio.fixture
async def intake(settings: Settings, redis: Any, bus: RedisStreams, clock: ManualClock) -> AsyncIterator[Intake]:
    """The handler of `feedback.submitted`; project 1 (`web` of `demo`) is there."""
    await publish_project(redis, members=MEMBERS)
    configuration = Configuration(settings.redis_url.get_secret_value())
    database = Database(settings.database_url)
    outbox, relay = Outbox(OUTBOX), OutboxRelay(database, OUTBOX, bus)
    handler = FeedbackSubmittedHandler(database, outbox, relay, configuration, clock, settings)
    yield Intake(database, handler, settings, clock, outbox, relay, configuration)
    await configuration.close()
    await database.close()


@dataclass
class Api:
    """A running app and a signed-in caller."""

    client: httpx.AsyncClient
    app: Any
    intake: Intake

    async def submit(self, message: str = "The button is dead", **more: Any) -> str:
        """Store a feedback; returns its event id. Keyword arguments as of `submitted` and `payload`."""
        names = ("event_id", "project_id", "organization_id", "received_at", "source", "submission_id", "marks")
        names += ("revision", "sent_at", "error_occurred_at")
        about = {name: more.pop(name) for name in names if name in more}
        about.setdefault("event_id", random_id())
        await self.intake.take(submitted(payload(message, **more), **about))
        event_id: str = about["event_id"]
        return event_id

    async def messages(self, query: str = "", **params: Any) -> list[str]:
        """The messages that a search finds, in the list's order."""
        return [row["metadata"]["message"] for row in await self.list(query, **params)]

    async def list(self, query: str = "", path: str = "/api/0/organizations/demo/issues/", **params: Any) -> Any:
        """The list's JSON for a search of feedback; asserts 200."""
        full = f"issue.category:feedback {query}".strip()
        response = await self.client.get(path, params={"query": full, **params})
        assert response.status_code == 200, response.text
        return response.json()

    async def issue(self, event_id: str) -> dict[str, Any]:
        """The group of a feedback by its event id."""
        [row] = await self.list(f"id:{event_id}")
        found: dict[str, Any] = row
        return found


@asynccontextmanager
async def serving(intake: Intake) -> AsyncIterator[Api]:
    """The HTTP app beside an intake."""
    app = create_app(intake.settings, intake.clock)
    async with running(app) as client:
        client.headers.update(signed_in(app))
        yield Api(client, app, intake)


@pytest_asyncio.fixture
async def api(intake: Intake) -> AsyncIterator[Api]:
    """The running app with a caller who may do everything in organization 1."""
    async with serving(intake) as found:
        yield found
