"""Queries over API tokens and sessions, and who holds them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from hearback_kit.db import Connection
from sqlalchemy import delete, func, insert, or_, select, update

from registry.store.pages import Page, Position, fetch_page
from registry.store.tables import members, sessions, tokens, users

_USE_NOTED_EVERY = timedelta(minutes=1)


async def find_token_holder(connection: Connection, digest: str, now: datetime) -> Any:
    """A token that has not expired, with its user and the user's role in its organization; None otherwise."""
    query = (
        select(
            tokens.c.id,
            tokens.c.organization_id,
            tokens.c.user_id,
            tokens.c.scopes,
            tokens.c.last_used_at,
            users.c.email,
            members.c.role,
        )
        .join(users, users.c.id == tokens.c.user_id)
        .join(
            members,
            (members.c.user_id == tokens.c.user_id) & (members.c.organization_id == tokens.c.organization_id),
        )
        .where(tokens.c.digest == digest, or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > now))
    )
    return (await connection.execute(query)).one_or_none()


def is_use_worth_noting(last_used_at: datetime | None, now: datetime) -> bool:
    """Whether a use of a token should be written down: at most once a minute."""
    return last_used_at is None or now - last_used_at >= _USE_NOTED_EVERY


async def note_use(connection: Connection, token_id: int, now: datetime) -> None:
    """Write down that a token was used."""
    await connection.execute(update(tokens).where(tokens.c.id == token_id).values(last_used_at=now))


async def find_session_holder(connection: Connection, digest: str, now: datetime) -> list[Any]:
    """A row per membership of the session's user (one without role when there is none); none if it expired."""
    query = (
        select(users.c.id, users.c.email, members.c.organization_id, members.c.role)
        .select_from(sessions)
        .join(users, users.c.id == sessions.c.user_id)
        .outerjoin(members, members.c.user_id == users.c.id)
        .where(sessions.c.digest == digest, sessions.c.expires_at > now)
    )
    return list((await connection.execute(query)).all())


async def add_session(
    connection: Connection, user_id: int, digest: str, now: datetime, expires_at: datetime
) -> None:
    """Begin a session."""
    values = {"user_id": user_id, "digest": digest, "created_at": now, "expires_at": expires_at}
    await connection.execute(insert(sessions).values(values))


async def end_session(connection: Connection, digest: str) -> None:
    """End a session."""
    await connection.execute(delete(sessions).where(sessions.c.digest == digest))


async def end_sessions_of(connection: Connection, user_id: int, *, except_digest: str = "") -> None:
    """End every session of a user but one."""
    query = delete(sessions).where(sessions.c.user_id == user_id, sessions.c.digest != except_digest)
    await connection.execute(query)


async def list_tokens(
    connection: Connection, organization_id: int, user_id: int | None, position: Position | None, limit: int
) -> Page:
    """A page of an organization's tokens, of one user or (None) of all."""
    query = select(tokens, users.c.email).join(users, users.c.id == tokens.c.user_id)
    query = query.where(tokens.c.organization_id == organization_id)
    if user_id is not None:
        query = query.where(tokens.c.user_id == user_id)
    return await fetch_page(connection, query, tokens.c.id, position, limit)


async def count_tokens(connection: Connection, organization_id: int) -> int:
    """How many tokens an organization has."""
    query = select(func.count()).select_from(tokens).where(tokens.c.organization_id == organization_id)
    return int(await connection.scalar(query) or 0)


async def add_token(
    connection: Connection,
    *,
    organization_id: int,
    user_id: int,
    name: str,
    digest: str,
    last_characters: str,
    scopes: Iterable[str],
    now: datetime,
    expires_at: datetime | None,
) -> Any:
    """Keep a token by its hash."""
    values = {
        "organization_id": organization_id,
        "user_id": user_id,
        "name": name,
        "digest": digest,
        "last_characters": last_characters,
        "scopes": sorted(scopes),
        "created_at": now,
        "expires_at": expires_at,
    }
    return (await connection.execute(insert(tokens).values(values).returning(tokens))).one()


async def remove_token(connection: Connection, organization_id: int, token_id: int, user_id: int | None) -> bool:
    """Revoke a token of an organization (and, unless None, of a user); whether there was one."""
    query = delete(tokens).where(tokens.c.organization_id == organization_id, tokens.c.id == token_id)
    if user_id is not None:
        query = query.where(tokens.c.user_id == user_id)
    return await connection.scalar(query.returning(tokens.c.id)) is not None


async def remove_expired(connection: Connection, now: datetime) -> None:
    """Forget sessions that ended, and tokens that expired more than 30 days ago."""
    await connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
    await connection.execute(delete(tokens).where(tokens.c.expires_at <= now - timedelta(days=30)))
