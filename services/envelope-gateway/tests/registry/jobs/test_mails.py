"""Mails: a file each without a mail server, by SMTP with one, again until they are delivered."""

import asyncio
import email
import smtplib
from contextlib import asynccontextmanager
from email.policy import default

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from hearback_devkit.testing import ManualClock, eventually
from pydantic import SecretStr
from registry.service.deliver_mails import ATTEMPTS_MAX, MailDelivery
from registry.store import mails
from sqlalchemy import text

MEMBERS = "/organizations/demo/members/"


async def test_a_file_each_without_a_mail_server(registry, working):
    invited = await registry.post(MEMBERS, {"email": "ann@example.org"}, status=201)
    folder = registry.settings.data_dir / "mail"

    async def arrived():
        return list(folder.glob("*.eml"))

    async with working(registry.settings, registry.clock):
        (file,) = await eventually(arrived)
    message = email.message_from_bytes(file.read_bytes(), policy=default)
    assert (message["To"], message["Subject"]) == ("ann@example.org", "Owner invites you to demo")
    assert message["Message-ID"]
    assert message["Auto-Submitted"] == "auto-generated"
    assert invited["invite_link"] in message.get_content()
    assert [path.stat().st_mode & 0o077 for path in (folder, file)] == [0, 0]


class Inbox:
    """A mail server that keeps what it gets, after so many refusals."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.recipients: list[str] = []

    async def handle_DATA(self, server: SMTP, session: object, envelope: object) -> str:  # noqa: N802
        if self.refusals:
            self.refusals -= 1
            return "451 try again"
        self.recipients += envelope.rcpt_tos
        return "250 OK"


@asynccontextmanager
async def smtp_server(inbox, **more):
    """A real mail server: its port."""
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(inbox, **more), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_by_smtp_with_a_mail_server(open_registry, working):
    def is_known(server, session, envelope, mechanism, data):
        given = isinstance(data, LoginPassword) and (data.login, data.password) == (b"me", b"a@b")
        return AuthResult(success=given)

    inbox = Inbox()

    async def arrived():
        return inbox.recipients == ["ann@example.org"]

    async with smtp_server(inbox, authenticator=is_known, auth_require_tls=False) as port:
        url = SecretStr(f"smtp://me:a%40b@127.0.0.1:{port}")
        async with open_registry(smtp_url=url) as registry, working(registry.settings, registry.clock):
            await registry.post(MEMBERS, {"email": "ann@example.org"}, status=201)
            await eventually(arrived)
            assert not (registry.settings.data_dir / "mail").exists()


class Unreliable:
    """A mailer that fails so many times."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.sent: list[tuple[str, bytes]] = []

    async def send(self, message, sender, recipient):
        if self.failures:
            self.failures -= 1
            raise smtplib.SMTPServerDisconnected("gone")
        self.sent.append((recipient, bytes(message)))

    async def close(self):
        pass


async def waiting(database, mailer, clock, *names, subject="Hi"):
    """The delivery of mails that wait for these people."""
    async with database.transaction() as connection:
        for name in names:
            await mails.add_mail(connection, f"{name}@example.org", subject, "Hello", clock.now())
    return MailDelivery(database, mailer, clock, sender="a@b.c", host="example.org")


@pytest.mark.parametrize("failures", [1, ATTEMPTS_MAX - 1, ATTEMPTS_MAX])
async def test_again_with_longer_and_longer_pauses_until_it_is_given_up(database, failures):
    clock, mailer = ManualClock(), Unreliable(failures)
    delivery = await waiting(database, mailer, clock, "ann")
    for _ in range(failures):
        await delivery.deliver_due()
        assert mailer.sent == []
        await delivery.deliver_due()
        clock.move(hours=1)
    await delivery.deliver_due()
    assert [to for to, _ in mailer.sent] == (["ann@example.org"] if failures < ATTEMPTS_MAX else [])
    async with database.connection() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM mails")) == 0


async def test_one_that_fails_holds_up_no_other(database):
    mailer = Unreliable(1)
    await (await waiting(database, mailer, ManualClock(), "ann", "bob")).deliver_due()
    assert len(mailer.sent) == 1


async def test_a_subject_cannot_add_headers(database):
    mailer = Unreliable()
    subject = "Hi\r\nBcc: eve@example.org"
    await (await waiting(database, mailer, ManualClock(), "ann", subject=subject)).deliver_due()
    [(_, message)] = mailer.sent
    assert b"\nBcc:" not in message


async def test_an_invitation_speaks_the_language_of_its_reader_or_of_the_inviter(registry, database):
    accounts = (
        "INSERT INTO users (email, language, password_hash, created_at, email_verified_at)"
        " VALUES ('bea@example.org', 'fr', 'x', now(), now()), ('cid@example.org', 'ja', 'x', now(), NULL)"
    )
    async with database.transaction() as connection:
        await connection.execute(text("UPDATE users SET language = 'de' WHERE email LIKE 'owner%'"))
        await connection.execute(text(accounts))
    for name in ("ann", "bea", "cid"):
        await registry.post(MEMBERS, {"email": f"{name}@example.org"}, status=201)
    async with database.connection() as connection:
        subjects = list((await connection.execute(text("SELECT subject FROM mails ORDER BY id"))).scalars())
    german = "Owner lädt Sie zu demo ein"
    assert subjects == [german, "Owner vous invite à rejoindre demo", german]
