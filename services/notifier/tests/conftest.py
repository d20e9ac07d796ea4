"""Fixtures of the notifier's tests: a database, the use cases' context, a real SMTP server, the running app."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session
from hearback_contracts.config import MemberRef
from hearback_contracts.events import OutcomeRecorded
from hearback_contracts.notices import FeedbackContent, FeedbackCreated
from hearback_contracts.sources import FeedbackSource
from hearback_contracts.streams import OUTCOME_RECORDED
from hearback_devkit.fleet import following, publish_project, signed_in
from hearback_devkit.testing import ManualClock, free_port, running
from hearback_fleet.configuration import Configuration
from hearback_kit.db import Database
from hearback_kit.db.rows import Window
from hearback_kit.http import ServiceClient
from hearback_kit.mail import MailTransport, mail_transport
from hearback_kit.outbox import Outbox, OutboxRelay
from hearback_kit.values.ids import new_id
from notifier.app import create_app
from notifier.clients.outbound import OutboundCalls
from notifier.clients.recipients import RecipientDirectory
from notifier.domain.feedback import Feedback, read_created
from notifier.service.address_notices import Context
from notifier.service.attempt_delivery import DeliveryAttempts
from notifier.service.deliver_mails import DeliverMails
from notifier.service.deliver_webhooks import DeliverWebhooks
from notifier.service.render_mail import mail_renderer
from notifier.settings import Settings
from notifier.store.delivery_log import list_deliveries
from notifier.store.tables import OUTBOX
from sqlalchemy import select

PACKAGE = "notifier.store.migrations"
NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
ADA = MemberRef(id=1, email="ada@example.com", name="Ada", role="owner")
BOB = MemberRef(id=2, email="bob@example.com", name="Bob")


def feedback(**values: Any) -> FeedbackContent:
    """A feedback's content; every call has another event id."""
    event_id = values.pop("event_id", new_id())
    defaults = {
        "organization_id": 1, "issue_id": 2, "short_id": "WEB-1", "event_id": event_id, "submission_id": event_id,
        "source": FeedbackSource.NEW_FEEDBACK_ENVELOPE, "title": "User Feedback: The export fails",
        "message": "The export fails", "received_at": NOW,
    }  # fmt: skip
    return FeedbackContent(**{**defaults, **values})


def read(**values: Any) -> Feedback:
    """A feedback as the notifier reads it."""
    [one] = read_created(created(feedback(**values)).model_dump_json().encode(), "1")
    return one.feedback


def created(content: FeedbackContent, project_id: int = 1) -> FeedbackCreated:
    return FeedbackCreated(id=new_id(), occurred_at=NOW, project_id=project_id, feedback=content)


@dataclass(frozen=True)
class Deliverer:
    """Delivers by both channels."""

    mails: DeliverMails
    webhooks: DeliverWebhooks

    async def run_once(self) -> int:
        """Deliver what is due; return how many were tried."""
        tried, _ = await asyncio.gather(self.mails.run_once(), self._call())
        return tried

    async def _call(self) -> None:
        while await self.webhooks.begin_due():
            await self.webhooks.finish()


@dataclass
class Notifier:
    """The use cases on a real database, with time to move."""

    settings: Settings
    context: Context
    clock: ManualClock
    redis: Any
    calls: OutboundCalls
    closing: list[MailTransport] = field(default_factory=list)

    @property
    def database(self) -> Database:
        return self.context.database

    def deliverer(self, mail: MailTransport | None = None, **settings: Any) -> Deliverer:
        changed = self.settings.model_copy(update=settings)
        mail = mail or mail_transport(changed.smtp_url, changed.data_dir, seconds_max=changed.smtp_seconds_max)
        self.closing.append(mail)
        used = changed, self.database, self.clock
        attempts = DeliveryAttempts(*used, mail=mail, calls=self.calls, render=mail_renderer())
        return Deliverer(DeliverMails(*used, attempts), DeliverWebhooks(*used, attempts))

    async def deliveries(self) -> list[Any]:
        """All deliveries, oldest first."""
        async with self.database.connection() as connection:
            found = await list_deliveries(connection, 1, Window(10_000))
        return found[::-1]

    async def steps(self) -> list[tuple[str, str, str]]:
        """Submission, step and reason of every recorded step, each once as the journal keeps it, in order."""
        recorded = []
        for key in OUTCOME_RECORDED.shard_keys(self.settings.stream_shards):
            recorded += [fields[b"d"] for _, fields in await self.redis.xrange(key)]
        outcomes = select(OUTBOX).where(OUTBOX.c.type == OUTCOME_RECORDED.name).order_by(OUTBOX.c.id)
        async with self.database.connection() as connection:
            rows = (await connection.execute(outcomes)).all()
        messages = [OutcomeRecorded.model_validate_json(data) for data in (*recorded, *(row.data for row in rows))]
        assert {message.service for message in messages} <= {"notifier"}
        steps = dict.fromkeys((s.submission_id, s.at, s.step, s.reason) for m in messages for s in m.steps)
        return [(submission, step, reason or "") for submission, _, step, reason in steps]


def settings_for(database_url: str, redis_url: str, folder: Path, **values: Any) -> Settings:
    return Settings(
        service_database_url=database_url,
        redis_url=redis_url,
        registry_url="http://127.0.0.1:9",
        secret_key="a secret for tests, long enough to be one",
        data_dir=folder,
        public_url="https://feedback.example.com",
        mail_from="Hearback <hearback@example.com>",
        webhook_hosts_allowed="127.0.0.1",
        **values,
    )


@pytest_asyncio.fixture
async def configuration(redis: Any, redis_url: str) -> AsyncIterator[Configuration]:
    await publish_project(redis, members=(ADA, BOB))
    async with following(redis_url) as found:
        yield found


@pytest_asyncio.fixture
async def notifier(
    configuration: Configuration,
    make_database: Callable[[str], Awaitable[str]],
    redis: Any,
    redis_url: str,
    bus: Any,
    tmp_path: Path,
) -> AsyncIterator[Notifier]:
    settings = settings_for(await make_database(PACKAGE), redis_url, tmp_path)
    database = Database(settings.database_url)
    clock = ManualClock(NOW)
    registry = ServiceClient(settings.registry_url, service="notifier", secret="x", attempts=1)
    calls = OutboundCalls(seconds_max=60.0, allowed_hosts=settings.webhook_hosts_allowed)
    context = Context(
        settings.service,
        database,
        Outbox(OUTBOX),
        OutboxRelay(database, OUTBOX, bus),
        clock,
        settings.stream_shards,
        settings,
        bus,
        configuration,
        RecipientDirectory(registry, configuration, seconds=0),
    )
    found = Notifier(settings, context, clock, redis, calls)
    yield found
    for mail in found.closing:
        await mail.close()
    await calls.close()
    await registry.close()
    await database.close()


class Mailbox:
    """What an SMTP server's users would see, and how the server answers."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.answers: dict[str, list[str]] = {}  # by recipient, used up one by one, before messages are taken
        self.recipient_answers: dict[str, str] = {}
        self.sender_answer: str | None = None
        self.used_tls: list[bool] = []
        self.users: list[str] = []
        self.drops = 0  # connections to drop in the middle of a message
        self.silent = 0  # messages that get no answer

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Session, envelope: Envelope, address: str, options: Sequence[str]
    ) -> str:
        envelope.mail_from = address
        return self.sender_answer or "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Session, envelope: Envelope, address: str, options: Sequence[str]
    ) -> str:
        refusal = self.recipient_answers.get(address)
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.drops:
            self.drops -= 1
            server.transport.abort()
            return "451 gone"
        if self.silent:
            self.silent -= 1
            await asyncio.Event().wait()
        answers = self.answers.get(envelope.rcpt_tos[0])
        if answers:
            return answers.pop(0)
        self.used_tls.append(session.ssl is not None)
        message = message_from_bytes(bytes(envelope.content or b""), policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        return "250 Queued"

    def authenticate(
        self, server: Any, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.users.append(data.login.decode())
        return AuthResult(success=data.password == b"right", handled=False)

    def to(self, recipient: str) -> list[EmailMessage]:
        return [message for message in self.messages if str(message["To"]) == recipient]


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@contextmanager
def mail_server(mailbox: Mailbox, **options: Any) -> Iterator[int]:
    """Run an SMTP server on a port of its own: the port."""
    port = free_port()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, **options)
    controller.start()
    yield port
    controller.stop()


@pytest.fixture
def smtp(mailbox: Mailbox) -> Iterator[str]:
    """A running SMTP server that knows no TLS: its URL."""
    with mail_server(mailbox) as port:
        yield f"smtp://127.0.0.1:{port}"


@dataclass
class Hook:
    """A webhook's server: what it was sent, and how it answers."""

    url: str
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)
    answering: asyncio.Event = field(default_factory=asyncio.Event)


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


@asynccontextmanager
async def hook_server() -> AsyncIterator[Hook]:
    found = Hook("")
    found.answering.set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        headers = {name.lower(): value for name, value in headers.items()}
        body = await reader.readexactly(int(headers["content-length"]))
        found.requests.append((headers, body))
        await found.answering.wait()
        writer.write(found.answers.pop(0) if found.answers else OK)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    yield found
    found.answering.set()
    server.close()
    await server.wait_closed()


@pytest_asyncio.fixture
async def hook() -> AsyncIterator[Hook]:
    async with hook_server() as found:
        yield found


@pytest_asyncio.fixture
async def other_hook() -> AsyncIterator[Hook]:
    async with hook_server() as found:
        yield found


@dataclass
class Api:
    """The running app and its callers."""

    client: httpx.AsyncClient
    app: Any
    notifier: Notifier
    rules: str = "/api/0/projects/demo/web/notification-rules/"
    deliveries: str = "/api/0/projects/demo/web/deliveries/"

    def caller(self, **options: Any) -> dict[str, str]:
        return signed_in(self.app, **options)


@pytest_asyncio.fixture
async def api(notifier: Notifier) -> AsyncIterator[Api]:
    app = create_app(notifier.settings, clock=notifier.clock)
    async with running(app) as client:
        client.headers.update(signed_in(app))
        yield Api(client, app, notifier)
