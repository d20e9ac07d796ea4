"""What the tests of this service share: its consumers on a database, a clock and published projects."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import orjson
import pytest
import pytest_asyncio
from hearback_contracts.events import (
    ErrorEventReceived,
    FeedbackSubmitted,
    Message,
    OutcomeCount,
    OutcomeRecorded,
    SubmissionStep,
    UserReportSubmitted,
)  # fmt: skip
from hearback_contracts.notices import UserReportLinked
from hearback_contracts.sources import FeedbackSource
from hearback_devkit.fleet import following, publish_project
from hearback_devkit.testing import ManualClock
from hearback_kit.bus import Incoming
from hearback_kit.db import Database
from hearback_kit.outbox import Outbox, OutboxRelay
from hearback_kit.values.ids import new_id, random_id
from pydantic import SecretStr
from redis.asyncio import Redis
from sqlalchemy import text
from user_reports.consumers.error_event_received import handle_error_events
from user_reports.consumers.user_report_submitted import UserReportHandler
from user_reports.domain.admission import AgeRules
from user_reports.jobs.retention import expire_records
from user_reports.jobs.sweep import Sweep, SweepResult
from user_reports.service.app_state import ServiceContext
from user_reports.service.read_projects import Projects
from user_reports.settings import Settings
from user_reports.store.partitions import events_plan, open_partitions
from user_reports.store.tables import OUTBOX

SHARDS = 4


class Harness:
    """The consumers on a real database, with messages made by hand and time moved by hand."""

    def __init__(self, url: str, database: Database, projects: Projects, clock: ManualClock) -> None:
        self.url = url
        self.database = database
        self.clock = clock
        nowhere: Any = None  # the relay does not run
        relay = OutboxRelay(database, OUTBOX, nowhere)
        self.context = ServiceContext("user-reports", database, Outbox(OUTBOX), relay, clock, SHARDS, projects)
        self.retention = timedelta(days=90)
        self.rules = AgeRules(timedelta(minutes=30), timedelta(minutes=5))

    def event(self, event_id: str | None = None, **fields: Any) -> ErrorEventReceived:
        """An error event received now."""
        now = self.clock.now()
        values: dict[str, Any] = {
            "id": new_id(), "occurred_at": now, "project_id": 1, "organization_id": 1, "key_id": 1,
            "received_at": now, "event_id": event_id or random_id(), "timestamp": now, "environment": "staging",
            "release": "shop@1.0", "platform": "python", "level": "error", "tags": {"colour": "blue"},
            "user": {"id": "7", "email": "ada@example.com", "username": "ada", "name": "Ada"}, "message": "boom",
            "sdk": "sentry.python/2.75.0",
        }  # fmt: skip
        return ErrorEventReceived.model_validate(values | fields)

    def report(
        self,
        event_id: str,
        comments: str = "It broke",
        *,
        source: FeedbackSource = FeedbackSource.USER_REPORT_ENVELOPE,
        payload: dict[str, Any] | None = None,
        **fields: Any,
    ) -> tuple[UserReportSubmitted, bytes]:
        """A report received now, with its payload."""
        now = self.clock.now()
        body = {"event_id": event_id, "name": "Grace", "email": "grace@example.com", "comments": comments}
        values: dict[str, Any] = {
            "id": new_id(), "occurred_at": now, "project_id": 1, "organization_id": 1, "key_id": 1,
            "received_at": now, "event_id": event_id, "source": source,
        }  # fmt: skip
        raw = orjson.dumps(body if payload is None else payload)
        return UserReportSubmitted.model_validate(values | fields), raw

    def incoming(self, message: Message, body: bytes | None = None) -> Incoming:
        """A message as a consumer gets it."""
        return Incoming("key", "1-1", message.TYPE, "1", message.model_dump_json().encode(), body)

    async def deliver(self, *messages: ErrorEventReceived | tuple[UserReportSubmitted, bytes]) -> None:
        """Hand messages to their consumer, one by one."""
        for message in messages:
            await self.deliver_batch([message])

    async def deliver_batch(
        self, messages: Sequence[ErrorEventReceived | tuple[UserReportSubmitted, bytes]]
    ) -> None:
        """Hand messages of one kind to their consumer as one batch."""
        if isinstance(messages[0], tuple):
            await self.reports()([self.incoming(*message) for message in messages])  # type: ignore[misc]
        else:
            await self.events()([self.incoming(message) for message in messages])  # type: ignore[arg-type]

    def events(self, database: Database | None = None) -> Any:
        """The consumer of error events."""
        context = replace(self.context, database=database or self.database)
        return partial(handle_error_events, context, self.retention)

    def reports(self, database: Database | None = None) -> UserReportHandler:
        """The consumer of reports."""
        return UserReportHandler(replace(self.context, database=database or self.database), self.rules)

    def sweeper(self, resume: Any = None, **options: Any) -> Sweep:
        """A sweep with its own memory."""
        return Sweep(self.context, Settings.model_construct(**options), resume)

    def settings(self, redis_url: str, **more: Any) -> Settings:
        """Settings of an app or a worker on this database."""
        urls = {"service_database_url": SecretStr(self.url), "redis_url": SecretStr(redis_url)}
        return Settings(**{**urls, **more})

    async def index_silently(self, *event_ids: str, **fields: Any) -> None:
        """Index events as they would be after a fault: without linking what waits for them."""
        await self.execute("UPDATE reports SET group_id = 0 WHERE group_id IS NULL")
        for event_id in event_ids:
            await self.deliver(self.event(event_id, **fields))
        await self.execute("UPDATE reports SET group_id = NULL WHERE group_id = 0")

    async def retain(self, *, weeks_ahead: int = 4, **options: Any) -> None:
        """Run retention once, as a new worker does."""
        chosen = Settings.model_construct(**options)
        plan = events_plan(retention_days=chosen.retention_days, weeks_ahead=weeks_ahead)
        await expire_records(self.context, open_partitions(self.database, plan), chosen)

    async def sweep(self) -> SweepResult:
        """Sweep once."""
        return await self.sweeper().run_once()

    async def rows(self, sql: str, **parameters: Any) -> list[Any]:
        """What a query answers."""
        async with self.database.connection() as connection:
            return list((await connection.execute(text(sql), parameters)).all())

    async def execute(self, sql: str, **parameters: Any) -> None:
        """Run a statement."""
        async with self.database.transaction() as connection:
            await connection.execute(text(sql), parameters)

    async def recorded(self) -> "Recorded":
        """Everything that was put into the outbox, published or not."""
        return Recorded(await self.rows("SELECT * FROM announced ORDER BY id"))


# Rows of the outbox live until they are published, which an app does at once.
KEEP_ANNOUNCED = (
    "CREATE TABLE announced (LIKE outbox)",
    "CREATE FUNCTION keep_announced() RETURNS trigger LANGUAGE plpgsql"
    " AS $$ BEGIN INSERT INTO announced SELECT NEW.*; RETURN NULL; END $$",
    "CREATE TRIGGER keep_announced AFTER INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION keep_announced()",
)


class Recorded:
    """What the service announced: feedback to be stored, outcomes and steps."""

    def __init__(self, rows: Sequence[Any]) -> None:
        self.feedback: list[FeedbackSubmitted] = []
        self.payloads: list[dict[str, Any]] = []
        self.links: list[UserReportLinked] = []
        self.outcomes: list[OutcomeCount] = []
        self.steps: list[SubmissionStep] = []
        for row in rows:
            if row.type == UserReportLinked.TYPE:
                self.links.append(UserReportLinked.model_validate_json(row.data))
            elif row.type == FeedbackSubmitted.TYPE:
                self.feedback.append(FeedbackSubmitted.model_validate_json(row.data))
                self.payloads.append(json.loads(row.body))
            elif row.type == OutcomeRecorded.TYPE:
                message = OutcomeRecorded.model_validate_json(row.data)
                self.outcomes += message.outcomes
                self.steps += message.steps

    def counts(self, category: int) -> dict[tuple[int, str | None], int]:
        """Quantities of a category by outcome and reason."""
        found: dict[tuple[int, str | None], int] = {}
        for outcome in self.outcomes:
            if outcome.category == category:
                key = (outcome.outcome, outcome.reason)
                found[key] = found.get(key, 0) + outcome.quantity
        return found


@pytest.fixture
def event_id() -> str:
    """An id of an event."""
    return random_id()


@pytest_asyncio.fixture
async def harness(make_database: Any, redis: Redis, redis_url: str) -> AsyncIterator[Harness]:
    """The harness with the projects 1 (`demo/web`), 2 (`demo/project-2`) and 3 (of organization 2)."""
    url = await make_database("user_reports.store.migrations", *KEEP_ANNOUNCED)
    database = Database(url)
    await publish_project(redis, project_id=1)
    await publish_project(redis, project_id=2)
    await publish_project(redis, project_id=3, organization_id=2)
    await publish_project(redis, project_id=4, organization_id=4, organization_slug="denied")
    async with following(redis_url) as configuration:
        yield Harness(url, database, Projects(configuration, frozenset({"denied"})), ManualClock())
    await database.close()
