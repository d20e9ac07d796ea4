"""Mail over a real SMTP server: TLS, sign-in, refusals, dropped connections, kills, bursts and digests."""

import asyncio
import math
import ssl
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hearback_contracts.config import MemberRef
from hearback_contracts.options import Option
from hearback_devkit.fleet import publish_project
from hearback_devkit.testing import eventually
from hearback_devkit.testing.statistics import Past, call_empty, copy_row
from hearback_kit.db import Connection
from hearback_kit.mail import MailFolder, MailRefused, SmtpServer
from notifier.service.attempt_delivery import RECORDED_AT_ONCE_MAX
from notifier.store import destinations
from notifier.store.bursts import postpone_surplus
from notifier.store.deliveries import claim_digest, claim_due, reopen
from pydantic import SecretStr
from sqlalchemy import text

from ..conftest import ADA, BOB, Mailbox, Notifier, feedback, mail_server, settings_for
from ..consumers.test_feedback_created import take


async def copy_to(connection: Connection, destination: str, state: str, count: int) -> None:
    """Store more deliveries to a destination which has one."""
    changed = {"subject_id": "subject_id || '-' || n", "state": f"'{state}'"}
    await copy_row(connection, "delivery", count, where=f"destination = '{destination}'", **changed)


def states(deliveries: Any) -> list[str]:
    return [delivery.state for delivery in deliveries]


@pytest.fixture
def send_to(notifier: Notifier, smtp: str) -> Any:
    """Deliver what is due to the SMTP server."""

    async def send(**settings: Any) -> int:
        return await notifier.deliverer(smtp_url=SecretStr(smtp), **settings).run_once()

    return send


async def test_each_delivery_is_handed_over_once(notifier: Notifier, mailbox: Mailbox, send_to: Any) -> None:
    await take(notifier, feedback(), feedback())
    assert await send_to() == 4
    assert await send_to() == 0
    assert len(mailbox.to(ADA.email)) == 2
    assert len(mailbox.to(BOB.email)) == 2
    assert len({str(message["Message-ID"]) for message in mailbox.messages}) == 4
    found = await notifier.deliveries()
    assert states(found) == ["sent"] * 4
    assert all("Queued" in (delivery.answer or "") for delivery in found)


async def test_replies_go_to_the_person_as_long_as_the_project_allows_it(
    notifier: Notifier, mailbox: Mailbox, send_to: Any
) -> None:
    await take(notifier, feedback(contact_email="jane@shop.example"))
    await send_to()
    await publish_project(notifier.redis, members=(ADA, BOB), options={"hearback:mail_reply_to": False})

    async def refuses() -> bool:
        project = await notifier.context.configuration.project(1)
        return project is not None and project.option(Option.MAIL_REPLY_TO) is False

    await eventually(refuses)
    await take(notifier, feedback(contact_email="jane@shop.example"))
    await send_to()
    assert [message["Reply-To"] for message in mailbox.to(ADA.email)] == ["jane@shop.example", None]


async def test_a_temporary_refusal_is_tried_again_later(
    notifier: Notifier, mailbox: Mailbox, send_to: Any
) -> None:
    mailbox.answers[ADA.email] = ["451 try later", "421 busy"]
    await take(notifier, feedback())
    await send_to()
    assert len(mailbox.to(ADA.email)) == 0
    assert len(mailbox.to(BOB.email)) == 1
    assert await send_to() == 0
    for _ in range(2):
        notifier.clock.move(minutes=5)
        await send_to()
    assert len(mailbox.to(ADA.email)) == 1
    assert [delivery.attempts for delivery in await notifier.deliveries()] == [3, 1]


async def test_a_permanent_refusal_switches_the_address_off_visibly(
    notifier: Notifier, mailbox: Mailbox, send_to: Any
) -> None:
    mailbox.recipient_answers[ADA.email] = "550 5.1.1 no such user"
    await take(notifier, feedback())
    await send_to()
    first, second = await notifier.deliveries()
    assert (first.state, second.state) == ("failed", "sent")
    assert "550" in (first.answer or "")
    async with notifier.database.connection() as connection:
        reasons = await destinations.find_reasons(connection, [f"email:{ADA.email}"])
    assert "no such user" in reasons[f"email:{ADA.email}"]
    await take(notifier, feedback())
    await send_to()
    assert len(mailbox.to(BOB.email)) == 2
    assert len(await notifier.deliveries()) == 3


@pytest.mark.parametrize("state", ["pending", "digest"])
async def test_what_was_stored_before_its_destination_was_switched_off_is_refused_untried(
    notifier: Notifier, mailbox: Mailbox, send_to: Any, state: str
) -> None:
    for _ in range(3):
        await take(notifier, feedback())
    key, reason = f"email:{ADA.email}", "550 5.1.1 no such user"
    async with notifier.database.transaction() as connection:
        await copy_to(connection, key, state, 30)
        stored = text("UPDATE delivery SET state = :state WHERE destination = :destination")
        await connection.execute(stored, {"state": state, "destination": key})
        await destinations.switch_off(connection, key, reason, notifier.clock.now())
    await send_to(deliveries_batch_max=10)
    assert (len(mailbox.to(ADA.email)), len(mailbox.to(BOB.email))) == (0, 3)
    found = [delivery for delivery in await notifier.deliveries() if delivery.destination == key]
    shown = Counter((delivery.state, delivery.answer, delivery.attempts) for delivery in found)
    assert shown == {("failed", f"switched off: {reason}", 0): 33}
    async with notifier.database.transaction() as connection:
        await destinations.switch_on(connection, key, notifier.clock.now())
        assert await reopen(connection, 1, found[0].id, notifier.clock.now())
    await send_to()
    assert len(mailbox.to(ADA.email)) == 1


@pytest.mark.parametrize(
    ("stage", "answer", "state"),
    [
        ("sender", "553 5.7.1 sender address is not yours", "pending"),
        ("sender", "550 no such domain", "pending"),
        ("recipient", "554 5.7.1 relay access denied", "pending"),
        ("recipient", "451 greylisted", "pending"),
        ("message", "554 5.7.1 looks like spam", "failed"),
        ("message", "552 too large", "failed"),
    ],
)
async def test_what_is_not_about_the_address_does_not_switch_it_off(
    notifier: Notifier, mailbox: Mailbox, send_to: Any, stage: str, answer: str, state: str
) -> None:
    mailbox.sender_answer = answer if stage == "sender" else None
    mailbox.recipient_answers = {ADA.email: answer} if stage == "recipient" else {}
    mailbox.answers = {ADA.email: [answer]} if stage == "message" else {}
    await take(notifier, feedback())
    await send_to()
    first, _ = await notifier.deliveries()
    assert (first.state, answer in (first.answer or "")) == (state, True)
    mailbox.sender_answer, mailbox.recipient_answers = None, {}
    await take(notifier, feedback())
    notifier.clock.move(minutes=5)
    await send_to()
    assert len(mailbox.to(ADA.email)) == (2 if state == "pending" else 1)


@pytest.mark.parametrize("state", ["pending", "digest"])
async def test_a_server_that_stays_away_is_given_up_after_the_last_attempt(notifier: Notifier, state: str) -> None:
    for _ in range(2):
        await take(notifier, feedback())
    async with notifier.database.transaction() as connection:
        await connection.execute(text("UPDATE delivery SET state = :state"), {"state": state})
    shown = []
    for _ in range(3):
        away = {"smtp_url": SecretStr("smtp://127.0.0.1:9"), "attempts_max": 3, "breaker_failures": 100}
        await notifier.deliverer(**away).run_once()
        shown.append(states(await notifier.deliveries()))
        notifier.clock.move(hours=1)
    assert shown == [[state] * 4, [state] * 4, ["dead"] * 4]
    found = await notifier.deliveries()
    assert all("no connection" in (delivery.answer or "") for delivery in found)
    assert {delivery.attempts for delivery in found} == {3}


async def test_a_dropped_connection_loses_and_doubles_nothing(
    notifier: Notifier, mailbox: Mailbox, send_to: Any
) -> None:
    mailbox.drops = 2
    await take(notifier, feedback())
    await send_to()
    notifier.clock.move(minutes=5)
    await send_to()
    assert len(mailbox.messages) == 2


async def test_a_server_that_does_not_answer_in_time_is_tried_again(
    notifier: Notifier, mailbox: Mailbox, send_to: Any
) -> None:
    mailbox.silent = 2
    await take(notifier, feedback())
    await send_to(smtp_seconds_max=1.0)
    found = await notifier.deliveries()
    assert states(found) == ["pending", "pending"]
    assert all("no connection" in (delivery.answer or "") for delivery in found)
    notifier.clock.move(minutes=5)
    await send_to()
    assert states(await notifier.deliveries()) == ["sent", "sent"]
    assert len(mailbox.messages) == 2


@pytest.mark.parametrize("state", ["pending", "digest"])
async def test_a_mail_that_would_last_past_its_claim_is_not_begun(
    notifier: Notifier, mailbox: Mailbox, smtp: str, state: str
) -> None:
    """Another process would send it, too. It may be claimed again at once, and the attempt does not count."""
    mailbox.silent = 1
    await take(notifier, feedback(), feedback())
    async with notifier.database.transaction() as connection:
        await connection.execute(text("UPDATE delivery SET state = :state"), {"state": state})
    slow = SmtpServer(smtp, connections_max=1, seconds_max=0.5)
    short = {"claim_seconds": 2.0, "smtp_seconds_max": 0.5, "webhook_seconds_max": 1.0}  # 0.25 s to begin
    await notifier.deliverer(slow, **short).run_once()
    found = await notifier.deliveries()
    assert states(found) == [state] * 4
    unbegun = [delivery for delivery in found if delivery.answer is None]
    assert {(one.attempts, one.claimed_until) for one in unbegun} == {(0, None)}
    await notifier.deliverer(smtp_url=SecretStr(smtp)).run_once()
    assert {str(message["To"]) for message in mailbox.messages} >= {one.target for one in unbegun}
    notifier.clock.move(minutes=10)
    await notifier.deliverer(smtp_url=SecretStr(smtp)).run_once()
    sent = 1 if state == "digest" else 2
    assert [len(mailbox.to(one.email)) for one in (ADA, BOB)] == [sent, sent]


@pytest.mark.parametrize(
    ("longest", "least"),
    [
        ({}, 120),
        ({"smtp_seconds_max": 30.5}, 122),
        ({"smtp_seconds_max": 1, "webhook_seconds_max": 60}, 80),
        ({"smtp_seconds_max": 300}, 1_200),
    ],
)
def test_a_claim_lasts_longer_than_an_attempt(longest: dict[str, float], least: float) -> None:
    settings = partial(
        settings_for, "postgresql://localhost/notifier", "redis://localhost", Path("/tmp"), **longest
    )
    kept = settings(claim_seconds=least)
    assert kept.attempt_seconds_max < kept.claim_seconds_left_min < kept.claim_seconds
    with pytest.raises(ValueError, match=f"claim_seconds is at least {least}"):
        settings(claim_seconds=least - 1)


async def test_a_destination_that_keeps_failing_rests(notifier: Notifier, mailbox: Mailbox, send_to: Any) -> None:
    mailbox.answers[ADA.email] = ["451 later"] * 3
    await take(notifier, *(feedback() for _ in range(3)))
    await send_to(breaker_failures=3, breaker_seconds=3_600)
    await take(notifier, feedback())
    notifier.clock.move(minutes=10)
    await send_to()
    assert len(mailbox.to(ADA.email)) == 0
    assert len(mailbox.to(BOB.email)) == 4
    notifier.clock.move(hours=1)
    await send_to()
    assert len(mailbox.to(ADA.email)) == 4


class KilledAfterAnswer:
    """A transport of a process that is killed when the server has just taken the message."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    async def send(
        self, message: EmailMessage, sender: str, recipient: str, *, begin_before: float = math.inf
    ) -> str:
        await self.inner.send(message, sender, recipient, begin_before=begin_before)
        raise asyncio.CancelledError

    async def close(self) -> None:
        await self.inner.close()


async def test_a_kill_between_the_answer_and_the_record(notifier: Notifier, mailbox: Mailbox, smtp: str) -> None:
    """The mail is handed over again, after the claim ran out, under the same Message-ID; none is lost."""
    await take(notifier, feedback())
    with pytest.raises(asyncio.CancelledError):
        await notifier.deliverer(KilledAfterAnswer(SmtpServer(smtp))).run_once()
    deliverer = notifier.deliverer(smtp_url=SecretStr(smtp))
    assert await deliverer.run_once() == 0
    notifier.clock.move(seconds=notifier.settings.claim_seconds + 1)
    await deliverer.run_once()
    await deliverer.run_once()
    for recipient in (ADA.email, BOB.email):
        assert len({str(message["Message-ID"]) for message in mailbox.to(recipient)}) == 1
        assert 1 <= len(mailbox.to(recipient)) <= 2
    assert states(await notifier.deliveries()) == ["sent", "sent"]


async def test_the_folder_holds_one_file_whatever_is_killed_when(notifier: Notifier, tmp_path: Path) -> None:
    await take(notifier, feedback())
    folder = notifier.settings.data_dir / "mail"
    with pytest.raises(asyncio.CancelledError):
        await notifier.deliverer(KilledAfterAnswer(MailFolder(folder))).run_once()
    notifier.clock.move(seconds=notifier.settings.claim_seconds + 1)
    await notifier.deliverer().run_once()
    assert len(list(folder.glob("*.eml"))) == 2


async def test_two_processes_share_the_work_and_double_nothing(
    notifier: Notifier, mailbox: Mailbox, smtp: str
) -> None:
    set_bursts(notifier, 1_000)
    await take(notifier, *(feedback() for _ in range(30)))
    options = {"smtp_url": SecretStr(smtp), "burst_per_minute": 1_000, "deliveries_batch_max": 7}
    await asyncio.gather(*(notifier.deliverer(**options).run_once() for _ in range(3)))
    assert len(mailbox.messages) == 60
    assert len({str(message["Message-ID"]) for message in mailbox.messages}) == 60


def set_bursts(notifier: Notifier, per_minute: int) -> None:
    settings = notifier.settings.model_copy(update={"burst_per_minute": per_minute})
    notifier.context = replace(notifier.context, settings=settings)


async def test_a_burst_is_seen_when_it_is_stored_and_earlier_mails_count(notifier: Notifier) -> None:
    set_bursts(notifier, 5)
    await take(notifier, *(feedback() for _ in range(3)))
    await take(notifier, *(feedback() for _ in range(4)))
    by_target = {
        target: [delivery.state for delivery in await notifier.deliveries() if delivery.target == target]
        for target in (ADA.email, BOB.email)
    }
    assert by_target == dict.fromkeys((ADA.email, BOB.email), ["pending"] * 5 + ["digest"] * 2)
    notifier.clock.move(minutes=1, seconds=1)
    await take(notifier, feedback())
    assert states(await notifier.deliveries())[-2:] == ["pending", "pending"]


async def test_a_burst_that_is_decided_on_a_second_time_changes_nothing(notifier: Notifier) -> None:
    set_bursts(notifier, 2)
    contents = [feedback() for _ in range(4)]
    await take(notifier, *contents)
    before = [(delivery.id, delivery.state) for delivery in await notifier.deliveries()]
    await take(notifier, *contents)
    assert [(delivery.id, delivery.state) for delivery in await notifier.deliveries()] == before


async def test_a_burst_becomes_a_digest(notifier: Notifier, mailbox: Mailbox, send_to: Any) -> None:
    await take(notifier, *(feedback(title=f"Feedback {number}") for number in range(12)))
    await send_to(burst_per_minute=5, digest_feedback_max=4)
    assert len(mailbox.to(ADA.email)) == 5
    notifier.clock.move(minutes=notifier.settings.digest_minutes, seconds=1)
    await send_to(burst_per_minute=5, digest_feedback_max=4)
    assert [str(message["Subject"]) for message in mailbox.to(ADA.email)][-1] == "[web] 7 notices"
    assert len(mailbox.to(ADA.email)) == 6
    assert states(await notifier.deliveries()) == ["sent"] * 24
    assert "3 more are in the inbox." in str(mailbox.to(ADA.email)[-1])


async def test_a_burst_is_recorded_over_few_connections(
    notifier: Notifier, mailbox: Mailbox, send_to: Any
) -> None:
    """Each new one costs PostgreSQL and the notifier more than several records."""
    await take(notifier, *(feedback() for _ in range(12)))
    assert await send_to() == 24
    async with notifier.database.direct() as connection:
        rows = await connection.fetch("SELECT FROM pg_stat_activity WHERE datname = current_database()")
    assert len(rows) <= RECORDED_AT_ONCE_MAX + 1


async def test_a_digest_reads_what_it_shows_and_claims_all_that_waits(notifier: Notifier) -> None:
    set_bursts(notifier, 5)
    await take(notifier, *(feedback() for _ in range(12)))
    now, claim = notifier.clock.now(), timedelta(seconds=60)
    async with notifier.database.transaction() as connection:
        shown, ids = await claim_digest(connection, f"email:{ADA.email}", 1, now, claim, 4)
        assert await claim_digest(connection, f"email:{ADA.email}", 1, now, claim, 4) == ([], [])
    assert [delivery.id for delivery in shown] == ids[:4]
    assert (len(ids), ids) == (7, sorted(ids))


@pytest.mark.parametrize(
    ("state", "digest", "past"), [("digest", 33_000, Past.NEW), ("pending", 32_981, Past.REFILLED)]
)
async def test_a_digest_is_recorded_however_many_wait(
    notifier: Notifier, mailbox: Mailbox, send_to: Any, state: str, digest: int, past: Past
) -> None:
    """More than a statement has parameters, while PostgreSQL's statistics call the table empty."""
    await take(notifier, feedback())
    async with notifier.database.transaction() as connection:
        await copy_to(connection, f"email:{ADA.email}", state, 33_000)
        await call_empty(connection, "delivery", past=past)
    tried = await send_to(deliveries_batch_max=1_000)
    notifier.clock.move(minutes=notifier.settings.digest_minutes, seconds=1)
    assert tried + await send_to() == 33_002
    assert [str(message["Subject"]) for message in mailbox.to(ADA.email)][-1] == f"[web] {digest} notices"
    assert await send_to() == 0


async def test_mails_that_other_processes_have_claimed_count(notifier: Notifier) -> None:
    set_bursts(notifier, 1_000)  # so that storing them leaves it to the delivery
    await take(notifier, *(feedback() for _ in range(12)))
    now, claim = notifier.clock.now(), timedelta(seconds=60)
    async with notifier.database.transaction() as connection, notifier.database.transaction() as other:
        for process, count, postponed in ((connection, 6, 0), (other, 18, 14)):
            claimed = await claim_due(process, now, claim, count)
            assert len(claimed) == count
            ids = [delivery.id for delivery in claimed]
            assert len(await postpone_surplus(process, ids, 5, now + timedelta(minutes=10))) == postponed


@pytest.mark.parametrize(("seconds", "sent"), [(0, 2), (30, 2), (61, 6)])
async def test_a_burst_is_one_however_late_its_mails_are(
    notifier: Notifier, mailbox: Mailbox, send_to: Any, seconds: int, sent: int
) -> None:
    set_bursts(notifier, 1_000)
    for _ in range(3):
        await take(notifier, feedback(), feedback())
        notifier.clock.move(seconds=seconds)
    notifier.clock.move(minutes=30)
    await send_to(burst_per_minute=2)
    assert len(mailbox.to(ADA.email)) == sent


async def test_two_processes_amid_a_burst_send_no_more_than_the_bound(
    notifier: Notifier, mailbox: Mailbox, smtp: str
) -> None:
    set_bursts(notifier, 1_000)
    options = {"smtp_url": SecretStr(smtp), "burst_per_minute": 5, "deliveries_batch_max": 2}

    async def arrive() -> None:
        for _ in range(10):
            await take(notifier, feedback(), feedback())

    await asyncio.gather(arrive(), *(notifier.deliverer(**options).run_once() for _ in range(3)))
    await notifier.deliverer(**options).run_once()
    assert len(mailbox.to(ADA.email)) == 5
    assert len(mailbox.to(BOB.email)) == 5


async def test_an_address_that_no_mail_can_carry_fails_alone(
    notifier: Notifier, mailbox: Mailbox, send_to: Any
) -> None:
    odd = MemberRef(id=9, email="no address")
    await publish_project(notifier.redis, members=(odd, BOB))

    async def is_seen() -> bool:
        found = await notifier.context.configuration.organization(1)
        return found is not None and odd in found.members

    await eventually(is_seen)
    await take(notifier, feedback())
    await send_to()
    assert states(await notifier.deliveries()) == ["failed", "sent"]
    assert len(mailbox.to(BOB.email)) == 1


def certified(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that trusts itself, and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)
    return certificate, context


async def send_mail(url: str) -> None:
    """Send a mail to Ada through a server."""
    message, server = EmailMessage(), SmtpServer(url)
    message["To"], message["Subject"] = ADA.email, "x"
    message.set_content("x")
    try:
        await server.send(message, "h@example.com", ADA.email)
    finally:
        await server.close()


@pytest.mark.parametrize("password", ["right", "wrong"])
async def test_sign_in_over_starttls(
    mailbox: Mailbox, tmp_path: Path, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, context = certified(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    options = {"tls_context": context, "require_starttls": True, "auth_required": True}
    with mail_server(mailbox, authenticator=mailbox.authenticate, **options) as port:
        url = f"smtp+starttls://hearback:{password}@127.0.0.1:{port}"
        if password == "right":
            await send_mail(url)
            assert (mailbox.used_tls, mailbox.users) == ([True], ["hearback"])
        else:
            with pytest.raises(MailRefused, match="sign-in refused") as refused:
                await send_mail(url)
            assert not refused.value.is_permanent


async def test_tls_from_the_first_byte(mailbox: Mailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, context = certified(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with mail_server(mailbox, ssl_context=context) as port:
        await send_mail(f"smtps://127.0.0.1:{port}")
    assert len(mailbox.messages) == 1


async def test_starttls_that_is_required_is_never_done_without(mailbox: Mailbox, smtp: str) -> None:
    with pytest.raises(MailRefused):
        await send_mail(smtp.replace("smtp://", "smtp+starttls://"))
    assert mailbox.messages == []
