"""Deliver queued mails, each in a transaction that deletes it after the SMTP server accepted it.

Delivery is at least once: after a crash in between it is sent again, with the same `Message-ID`.
"""

from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

from hearback_kit.clock import Clock
from hearback_kit.db import Database
from hearback_kit.logs import get_logger
from hearback_kit.mail import MailTransport

from registry import metrics
from registry.store import mails
from registry.store.mails import WaitingMail

ATTEMPTS_MAX: Final = 12
_FIRST_PAUSE: Final = timedelta(seconds=10)
_PAUSE_MAX: Final = timedelta(hours=1)

_log = get_logger(__name__)


class MailDelivery:
    """Delivers queued mails."""

    def __init__(
        self, database: Database, transport: MailTransport, clock: Clock, *, sender: str, host: str
    ) -> None:
        self._database = database
        self._transport = transport
        self._clock = clock
        self._sender = sender
        self._host = host

    async def deliver_due(self) -> None:
        while await self._deliver_one():
            pass

    async def _deliver_one(self) -> bool:
        now = self._clock.now()
        async with self._database.transaction() as connection:
            mail = await mails.take_due(connection, now)
            if mail is None:
                return False
            try:
                await self._transport.send(self._message(mail), self._sender, mail.recipient)
            except Exception as error:  # whatever it is: others shall be delivered all the same
                metrics.MAILS.labels("failed").inc()
                _log.warning("mail_not_delivered", mail=mail.id, attempts=mail.attempts + 1, error=str(error))
                if mail.attempts + 1 < ATTEMPTS_MAX:
                    pause = min(_FIRST_PAUSE * 2**mail.attempts, _PAUSE_MAX)
                    await mails.postpone(connection, mail.id, now + pause)
                    return True
            else:
                metrics.MAILS.labels("delivered").inc()
            await mails.remove_mail(connection, mail.id)
        return True

    def _message(self, mail: WaitingMail) -> EmailMessage:
        message = EmailMessage()
        message["Subject"] = " ".join(mail.subject.split())
        message["From"] = self._sender
        message["To"] = mail.recipient
        message["Date"] = format_datetime(mail.created_at)
        message["Message-ID"] = f"<registry-{mail.id}-{int(mail.created_at.timestamp())}@{self._host}>"
        message["Auto-Submitted"] = "auto-generated"
        # A line that is not folded can be copied out of the file; ASCII lines may have 998 bytes.
        message.set_content(mail.body, cte="7bit" if mail.body.isascii() else None)
        return message
