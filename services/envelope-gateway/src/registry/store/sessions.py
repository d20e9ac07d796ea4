"""Browser sessions, stored by the hash of their secret."""

from dataclasses import dataclass
from datetime import datetime

from hearback_kit.db import Connection
from hearback_kit.db.rows import list_records
from sqlalchemy import delete, insert, select

from registry.store.tables import members, sessions, users


@dataclass(frozen=True, slots=True)
class SessionHolder:
    """A membership of the account behind a session; `organization_id` and `role` are None without any."""

    id: int
    email: str
    organization_id: int | None
    role: str | None


async def find_session_holder(connection: Connection, digest: str, now: datetime) -> list[SessionHolder]:
    """Return a row per membership of the session's account; none for a session that has ended."""
    query = (
        select(users.c.id, users.c.email, members.c.organization_id, members.c.role)
        .select_from(sessions)
        .join(users, users.c.id == sessions.c.user_id)
        .outerjoin(members, members.c.user_id == users.c.id)
        .where(sessions.c.digest == digest, sessions.c.expires_at > now)
    )
    return await list_records(connection, SessionHolder, query)


async def add_session(
    connection: Connection,
    user_id: int,
    digest: str,
    now: datetime,
    expires_at: datetime,
    *,
    address_block: str | None,
) -> None:
    """Store a new session of a network address."""
    values = {
        "user_id": user_id,
        "digest": digest,
        "created_at": now,
        "expires_at": expires_at,
        "address_block": address_block,
    }
    await connection.execute(insert(sessions).values(values))


async def is_known_address(connection: Connection, email: str, address_block: str, now: datetime) -> bool:
    """Return whether an account with an e-mail address has a session from a network address."""
    query = (
        select(sessions.c.id)
        .join(users, users.c.id == sessions.c.user_id)
        .where(
            users.c.email == email.lower(), sessions.c.address_block == address_block, sessions.c.expires_at > now
        )
        .limit(1)
    )
    return await connection.scalar(query) is not None


async def remove_session(connection: Connection, digest: str) -> None:
    await connection.execute(delete(sessions).where(sessions.c.digest == digest))


async def remove_sessions_of(connection: Connection, user_id: int, *, except_digest: str = "") -> None:
    """Delete every session of an account but one."""
    query = delete(sessions).where(sessions.c.user_id == user_id, sessions.c.digest != except_digest)
    await connection.execute(query)


async def remove_expired(connection: Connection, now: datetime) -> None:
    """Delete expired sessions."""
    await connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
