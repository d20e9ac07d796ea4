"""Browser sessions, stored by the hash of their secret."""

from dataclasses import dataclass
from datetime import datetime

from hearback_kit.db import Connection
from hearback_kit.db.rows import delete_some, list_records
from hearback_kit.db.rowsets import one_by_one
from sqlalchemy import delete, insert, select, true

from registry.store.tables import members, sessions, users
from registry.store.users import account_of


@dataclass(frozen=True, slots=True)
class SessionHolder:
    """A membership of the account behind a session; `organization_id` and `role` are None without any."""

    id: int
    email: str
    organization_id: int | None
    role: str | None


async def find_session_holder(connection: Connection, digest: str, now: datetime) -> list[SessionHolder]:
    """Return a row per membership of the session's account; none for a session that has ended."""
    # Whether it has ended is looked at afterwards, so that it is found by its digest alone.
    session = one_by_one(
        select(sessions.c.user_id, sessions.c.expires_at).where(sessions.c.digest == digest)
    ).subquery("session")
    holder = account_of(session.c.user_id)
    theirs = select(members.c.organization_id, members.c.role).where(members.c.user_id == session.c.user_id)
    membership = one_by_one(theirs).lateral("membership")
    query = (
        select(holder.c.id, holder.c.email, membership.c.organization_id, membership.c.role)
        .select_from(session.join(holder, true()).outerjoin(membership, true()))
        .where(session.c.expires_at > now)
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
    query = insert(sessions).values(
        user_id=user_id, digest=digest, created_at=now, expires_at=expires_at, address_block=address_block
    )
    await connection.execute(query)


async def is_known_address(connection: Connection, email: str, address_block: str, now: datetime) -> bool:
    """Return whether an account with an e-mail address has a session from a network address."""
    claimed = one_by_one(select(users.c.id).where(users.c.email == email.lower())).subquery("claimed")
    theirs = one_by_one(select(sessions).where(sessions.c.user_id == claimed.c.id)).lateral("theirs")
    query = (
        select(theirs.c.id)
        .select_from(claimed.join(theirs, true()))
        .where(theirs.c.address_block == address_block, theirs.c.expires_at > now)
        .limit(1)
    )
    return await connection.scalar(query) is not None


async def remove_session(connection: Connection, digest: str) -> None:
    await connection.execute(delete(sessions).where(sessions.c.digest == digest))


async def remove_sessions_of(connection: Connection, user_id: int, *, except_digest: str = "") -> None:
    """Delete every session of an account but one."""
    query = delete(sessions).where(sessions.c.user_id == user_id, sessions.c.digest != except_digest)
    await connection.execute(query)


async def remove_expired(connection: Connection, now: datetime, limit: int) -> int:
    """Delete up to `limit` expired sessions; return how many."""
    return await delete_some(connection, sessions, sessions.c.expires_at <= now, limit=limit)
