"""A running feedback service on real engines, with configuration published as the registry would."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx
import orjson
import pytest_asyncio
from feedback.app import create_app
from feedback.consumers.attachment_stored import handle_attachment_stored
from feedback.consumers.feedback_submitted import FeedbackSubmittedHandler
from feedback.jobs.attachment_removal import delete_bytes, delete_orphans
from feedback.jobs.retention import delete_expired_attachments
from feedback.service.decide_submission import DecideSubmission
from feedback.service.judge_spam import LocalJudge, SpamJudge, load_prior
from feedback.service.restore_announcements import restore_announcements
from feedback.service.store_submissions import StoreSubmissions
from feedback.settings import Settings
from feedback.store.tables import FEEDBACK, OUTBOX
from hearback_contracts.config import MemberRef
from hearback_contracts.events import (
    AttachmentStored,
    FeedbackSubmitted,
    OutcomeCount,
    OutcomeRecorded,
    SubmissionStep,
)
from hearback_contracts.flags import Feature
from hearback_contracts.notices import FeedbackChanged, FeedbackCreated, FeedbackCreatedTogether
from hearback_contracts.sources import FeedbackSource
from hearback_contracts.streams import (
    ATTACHMENT_STORED,
    AUDIT_ENTRY_RECORDED,
    FEEDBACK_CHANGED,
    FEEDBACK_CREATED,
    FEEDBACK_SUBMITTED,
    OUTCOME_RECORDED,
)
from hearback_devkit.fleet import as_incoming, publish_project, signed_in
from hearback_devkit.testing import ManualClock, running
from hearback_fleet.configuration import Configuration
from hearback_fleet.messages import outgoing
from hearback_fleet.unit_of_work import UnitOfWork
from hearback_kit.blobs import BlobStore
from hearback_kit.bus import Outgoing, RedisStreams
from hearback_kit.db import Database
from hearback_kit.outbox import Outbox, OutboxRelay
from hearback_kit.values.ids import new_id, random_id
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


@dataclass
class Recorded:
    """What the service recorded of its decisions; `announcements` are messages about what was created."""

    outcomes: list[OutcomeCount] = field(default_factory=list)
    steps: list[SubmissionStep] = field(default_factory=list)
    created: list[FeedbackCreated] = field(default_factory=list)
    announcements: int = 0
    changed: list[FeedbackChanged] = field(default_factory=list)

    def add(self, kind: str, key: str, data: bytes, shards: int, version: str = "1") -> None:
        """Add a message of the outbox."""
        if kind == FeedbackCreated.TYPE:
            self.announcements += 1
            if version == "1":
                self.created.append(FeedbackCreated.model_validate_json(data))
            else:
                together = FeedbackCreatedTogether.model_validate_json(data)
                rest = together.model_dump(exclude={"version", "feedback"})
                self.created += [FeedbackCreated(**rest, feedback=content) for content in together.feedback]
            assert key == FEEDBACK_CREATED.key(self.created[-1].project_id, shards)
        elif kind == FeedbackChanged.TYPE:
            self.changed.append(FeedbackChanged.model_validate_json(data))
            assert key == FEEDBACK_CHANGED.key(self.changed[-1].project_id, shards)
        elif kind != AUDIT_ENTRY_RECORDED.name:
            message = OutcomeRecorded.model_validate_json(data)
            assert key == OUTCOME_RECORDED.key(message.project_id, shards)
            self.outcomes += message.outcomes
            self.steps += message.steps

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

    settings: Settings
    configuration: Configuration
    unit_of_work: UnitOfWork
    spam_judge: SpamJudge | None = None

    @property
    def database(self) -> Database:
        """The service's database."""
        return self.unit_of_work.database

    @property
    def clock(self) -> ManualClock:
        """The service's clock."""
        assert isinstance(self.unit_of_work.clock, ManualClock)
        return self.unit_of_work.clock

    @property
    def handler(self) -> FeedbackSubmittedHandler:
        """The handler of `feedback.submitted`."""
        judge = self.spam_judge or LocalJudge(self.database, load_prior())
        decide = DecideSubmission(self.configuration, self.settings, judge)
        store = StoreSubmissions(self.unit_of_work, decide, self.settings)
        return FeedbackSubmittedHandler(self.unit_of_work, store)

    def changed(self, *, spam_judge: SpamJudge | None = None, **settings: Any) -> "Intake":
        """The same intake with other settings or another judge of spam."""
        changed = self.settings.model_copy(update=settings)
        return replace(self, settings=changed, spam_judge=spam_judge or self.spam_judge)

    async def row(self, event_id: str) -> Any:
        """The row of a feedback."""
        async with self.database.connection() as connection:
            return (await connection.execute(select(FEEDBACK).where(FEEDBACK.c.event_id == event_id))).one()

    async def take(self, *messages: Outgoing) -> Recorded:
        """Handle messages as one batch; returns what was recorded."""
        await self.handler([as_incoming(message) for message in messages])
        return await self.recorded()

    async def recorded(self) -> Recorded:
        """What lies in the outbox, which is emptied."""
        recorded = Recorded()
        async with self.database.transaction() as connection:
            # One statement: what others write between two would be removed unread.
            removed = await connection.execute(delete(OUTBOX).returning(OUTBOX))
            rows = sorted(removed.mappings(), key=lambda row: row["id"])
            messages = [Outgoing(**{name: row[name] for name in Outgoing._fields}) for row in rows]
            for one in await restore_announcements(connection, messages):
                if one is not None:
                    recorded.add(one.type, one.key, one.data, self.settings.stream_shards, one.version)
        return recorded


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
    relay = OutboxRelay(database, OUTBOX, bus, restore=restore_announcements)
    unit_of_work = UnitOfWork("feedback", database, Outbox(OUTBOX), relay, clock, settings.stream_shards)
    yield Intake(settings, configuration, unit_of_work)
    await configuration.close()
    await database.close()


SPAM = "CHEAP PILLS! http://pills.example/ earn money"
JUDGED = {Feature.SPAM_FILTER_INGEST: True, Feature.SPAM_FILTER_ACTIONS: True}


@pytest_asyncio.fixture
async def judging(intake: Intake, redis: Any) -> Intake:
    """The intake of a project that asks for verdicts."""
    await publish_project(redis, members=MEMBERS, features=JUDGED)
    return intake


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
    app = create_app(intake.settings, clock=intake.clock)
    async with running(app) as client:
        client.headers.update(signed_in(app))
        yield Api(client, app, intake)


@pytest_asyncio.fixture
async def api(intake: Intake) -> AsyncIterator[Api]:
    """The running app with a caller who may do everything in organization 1."""
    async with serving(intake) as found:
        yield found


EVENT = "e" * 32


class KnownEvents:
    """An index of error events that knows what a test says."""

    def __init__(self, *known: str) -> None:
        self._known = set(known)

    @property
    def is_configured(self) -> bool:
        return True

    async def find(self, project_id: int, event_ids: Any) -> set[str]:
        return self._known & set(event_ids)

    async def find_group(self, _organization_id: int, _project_ids: Any, _event_id: str) -> None:
        return None


class Files:
    """Stores and removes attachments as the gateway and the worker would."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.blobs = BlobStore(api.intake.settings.blob_url)
        self.handler = partial(handle_attachment_stored, api.intake.unit_of_work)

    async def store(
        self, data: bytes = b"data", event_id: str = EVENT, project_id: int = 1, **more: Any
    ) -> Recorded:
        return await self.deliver(await self.put(data, event_id, project_id, **more))

    async def put(self, data: bytes, event_id: str = EVENT, project_id: int = 1, **more: Any) -> Any:
        attachment_id = more.pop("attachment_id", None) or random_id()
        key = f"{project_id}/{event_id}/{attachment_id}/{random_id()}"
        await self.blobs.put(key, data)
        fields = {"name": "log.txt", "content_type": "text/plain", "size": len(data)} | more
        message = AttachmentStored(
            id=new_id(), occurred_at=NOW, project_id=project_id, organization_id=1, received_at=NOW,
            attachment_id=attachment_id, event_id=event_id, sha1="0" * 40, blob_key=key, **fields,
        )  # fmt: skip
        return as_incoming(outgoing(ATTACHMENT_STORED, message, 4))

    async def deliver(self, *messages: Any) -> Recorded:
        await self.handler(list(messages))
        return await self.api.intake.recorded()

    async def delete_bytes(self) -> None:
        await delete_bytes(self.api.intake.database, self.blobs)

    async def delete_expired(self) -> None:
        intake = self.api.intake
        await delete_expired_attachments(intake.unit_of_work, intake.configuration, intake.settings)

    async def delete_orphans(self, *known_events: str) -> None:
        intake = self.api.intake
        events: Any = KnownEvents(*known_events)
        await delete_orphans(intake.unit_of_work, events, intake.settings)

    def path(self, event_id: str = EVENT) -> str:
        return f"/api/0/projects/demo/web/events/{event_id}/attachments/"

    async def list(self, event_id: str = EVENT, **params: Any) -> Any:
        response = await self.api.client.get(self.path(event_id), params=params)
        assert response.status_code == 200, response.text
        return response.json()

    async def get(self, query: str, event_id: str = EVENT, **more: Any) -> Any:
        [item] = await self.list(event_id)
        return await self.api.client.get(f"{self.path(event_id)}{item['id']}/?{query}", **more)

    async def keys(self) -> set[str]:
        return {key async for key, _ in self.blobs.list()}


@pytest_asyncio.fixture
async def files(api: Api) -> AsyncIterator[Files]:
    yield Files(api)
