"""The queue of mails."""

from dataclasses import dataclass
from datetime import datetime

from hearback_kit.db import Connection
from hearback_kit.db.rows import columns, find_record
from sqlalchemy import delete, insert, select, update

from registry.store.tables import mails


@dataclass(frozen=True, slots=True)
class WaitingMail:
    """A queued mail, and the number of attempts."""

    id: int
    recipient: str
    subject: str
    body: str
    attempts: int
    created_at: datetime


async def add_mail(connection: Connection, recipient: str, subject: str, body: str, now: datetime) -> None:
    """Queue a mail."""
    values = {
        "recipient": recipient, "subject": subject, "body": body, "attempts": 0, "due_at": now, "created_at": now,
    }  # fmt: skip
    await connection.execute(insert(mails).values(values))


async def take_due(connection: Connection, now: datetime) -> WaitingMail | None:
    """Lock and return a due mail, or None."""
    query = (
        select(*columns(WaitingMail, mails))
        .where(mails.c.due_at <= now)
        .order_by(mails.c.due_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return await find_record(connection, WaitingMail, query)


async def postpone(connection: Connection, mail_id: int, due_at: datetime) -> None:
    """Record a failed attempt and the time of the next."""
    query = update(mails).where(mails.c.id == mail_id).values(attempts=mails.c.attempts + 1, due_at=due_at)
    await connection.execute(query)


async def remove_mail(connection: Connection, mail_id: int) -> None:
    """Delete a mail that was sent or given up."""
    await connection.execute(delete(mails).where(mails.c.id == mail_id))
