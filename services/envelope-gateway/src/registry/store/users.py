"""Accounts. Several may claim an address; at most one has verified it by mail."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from hearback_kit.db import Connection
from hearback_kit.db.rows import delete_some, find_record, list_records
from hearback_kit.db.rowsets import one_by_one
from sqlalchemy import ColumnElement, FromClause, case, exists, func, insert, select, text, update

from registry.store.tables import members, sessions, tokens, users

# Each costs a password's hash to everybody who signs in with the address.
CANDIDATES_MAX: Final = 10


@dataclass(frozen=True, slots=True)
class User:
    """An account; `email` is in lower case."""

    id: int
    email: str
    email_verified_at: datetime | None
    name: str | None
    password_hash: str
    language: str | None
    created_at: datetime
    last_used_at: datetime | None


def account_of(user_id: ColumnElement[Any], name: str = "account") -> FromClause:
    """Return the account with the id in a column of a query, as a table to join; see `one_by_one`."""
    return one_by_one(select(users).where(users.c.id == user_id)).lateral(name)


async def find_user(connection: Connection, user_id: int) -> User | None:
    return await find_record(connection, User, select(users).where(users.c.id == user_id))


async def list_users_by_email(connection: Connection, email: str) -> list[User]:
    """Return up to `CANDIDATES_MAX` accounts with an e-mail address (case-insensitive).

    Order: the one that verified it, members of an organization by age, others newest first. So fake accounts with
    another person's address can only displace each other.
    """
    is_member = one_by_one(select(members.c.id).where(members.c.user_id == users.c.id)).exists()
    query = (
        select(users)
        .where(users.c.email == email.lower())
        .order_by(
            users.c.email_verified_at.is_(None), is_member.desc(), case((is_member, users.c.id), else_=-users.c.id)
        )
        .limit(CANDIDATES_MAX)
    )
    return await list_records(connection, User, query)


async def add_user(connection: Connection, email: str, name: str | None, password_hash: str, now: datetime) -> int:
    """Create an account with an unverified address; return its id."""
    values = {"email": email.lower(), "name": name, "password_hash": password_hash, "created_at": now}
    user_id: int = (await connection.execute(insert(users).values(values).returning(users.c.id))).scalar_one()
    return user_id


async def verify_email(connection: Connection, user_id: int, email: str, now: datetime) -> None:
    """Mark an account's address as verified, unless another account verified it before."""
    await connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:email))"), {"email": email.lower()})
    other = users.alias()
    proven = exists().where(other.c.email == email.lower(), other.c.email_verified_at.is_not(None))
    query = update(users).where(users.c.id == user_id, ~proven).values(email_verified_at=now)
    await connection.execute(query)


async def note_use(connection: Connection, user_id: int, now: datetime) -> None:
    """Record the last use of an account, from which its expiry without a membership counts."""
    await connection.execute(update(users).where(users.c.id == user_id).values(last_used_at=now))


async def remove_unused(connection: Connection, before: datetime, limit: int) -> int:
    """Delete accounts without membership, token and session that were last used before a time; return how many.

    They are up to `limit`. One that is about to be used is left.
    """
    uses = (select(table.c.id).where(table.c.user_id == users.c.id) for table in (members, tokens, sessions))
    last_used_at = func.coalesce(users.c.last_used_at, users.c.created_at)
    unused = (~one_by_one(use).exists() for use in uses)
    conditions = (last_used_at < before, *unused)
    return await delete_some(connection, users, *conditions, limit=limit, skip_locked=True)


async def update_user(connection: Connection, user_id: int, values: dict[str, Any]) -> None:
    """Set columns of an account."""
    await connection.execute(update(users).where(users.c.id == user_id).values(values))
