"""API tokens, stored by the hash of their secret."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hearback_kit.db import Connection
from hearback_kit.db.rows import Window, columns, delete_some, find_record, unindexed
from hearback_kit.db.rowsets import one_by_one
from sqlalchemy import delete, insert, or_, select, true, update

from registry.store.rows import count, read_page
from registry.store.tables import members, tokens
from registry.store.users import account_of

EXPIRED_KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Token:
    """A token with the address of the account that created it."""

    id: int
    organization_id: int
    user_id: int
    name: str
    last_characters: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    email: str


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """The account behind a token, and its role in the token's organization."""

    id: int
    organization_id: int
    user_id: int
    scopes: list[str]
    last_used_at: datetime | None
    email: str
    role: str


_OWNER = account_of(tokens.c.user_id)
_TOKENS = select(*columns(Token, tokens, _OWNER)).select_from(tokens.join(_OWNER, true()))


async def find_token_holder(connection: Connection, digest: str, now: datetime) -> TokenHolder | None:
    """Return the holder of a valid token, or None."""
    membership = one_by_one(
        select(members.c.role).where(
            members.c.user_id == tokens.c.user_id,
            unindexed(members.c.organization_id) == tokens.c.organization_id,
        )
    ).lateral("membership")
    query = (
        select(*columns(TokenHolder, tokens, _OWNER, membership))
        .select_from(tokens.join(_OWNER, true()).join(membership, true()))
        .where(tokens.c.digest == digest, or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > now))
    )
    return await find_record(connection, TokenHolder, query)


async def note_use(connection: Connection, token_id: int, now: datetime) -> None:
    """Record the use of a token."""
    await connection.execute(update(tokens).where(tokens.c.id == token_id).values(last_used_at=now))


async def list_tokens(
    connection: Connection, organization_id: int, user_id: int | None, scopes: Iterable[str], window: Window
) -> list[Token]:
    """Return a page of an organization's tokens with at most these `scopes`, of one account or (None) of all."""
    query = _TOKENS.where(
        tokens.c.organization_id == organization_id, tokens.c.scopes.contained_by(sorted(scopes))
    )
    if user_id is not None:
        query = query.where(tokens.c.user_id == user_id)
    return await read_page(connection, Token, query, tokens.c.id, window)


async def find_token(connection: Connection, organization_id: int, token_id: int) -> Token | None:
    query = _TOKENS.where(tokens.c.organization_id == organization_id, tokens.c.id == token_id)
    return await find_record(connection, Token, query)


async def count_tokens(connection: Connection, organization_id: int) -> int:
    """Return how many tokens an organization has."""
    return await count(connection, tokens, tokens.c.organization_id == organization_id)


async def add_token(connection: Connection, **columns: Any) -> int:
    """Store a token with these columns; return its id."""
    token_id: int = (await connection.execute(insert(tokens).values(columns).returning(tokens.c.id))).scalar_one()
    return token_id


async def remove_token(connection: Connection, token_id: int) -> None:
    await connection.execute(delete(tokens).where(tokens.c.id == token_id))


async def remove_tokens_of(connection: Connection, user_id: int) -> None:
    """Delete every token that an account created."""
    await connection.execute(delete(tokens).where(tokens.c.user_id == user_id))


async def remove_expired(connection: Connection, now: datetime, limit: int) -> int:
    """Delete up to `limit` tokens that expired more than `EXPIRED_KEPT` ago; return how many."""
    return await delete_some(connection, tokens, tokens.c.expires_at <= now - EXPIRED_KEPT, limit=limit)
