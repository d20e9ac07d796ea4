"""Accounts of people."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hearback_kit.db import Connection
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from registry.store.rows import record_or_none
from registry.store.tables import users


@dataclass(frozen=True, slots=True)
class User:
    """An account; `email` is in lower case."""

    id: int
    email: str
    name: str | None
    password_hash: str
    created_at: datetime


async def find_user(connection: Connection, user_id: int) -> User | None:
    """Return an account by id, or None."""
    row = (await connection.execute(select(users).where(users.c.id == user_id))).one_or_none()
    return record_or_none(User, row)


async def find_user_by_email(connection: Connection, email: str) -> User | None:
    """Return the account of an e-mail address (in any case), or None."""
    row = (await connection.execute(select(users).where(users.c.email == email.lower()))).one_or_none()
    return record_or_none(User, row)


async def add_user(
    connection: Connection, email: str, name: str | None, password_hash: str, now: datetime
) -> int | None:
    """Create an account; return its id, or None when the address is taken."""
    values = {"email": email.lower(), "name": name, "password_hash": password_hash, "created_at": now}
    query = upsert(users).values(values).on_conflict_do_nothing().returning(users.c.id)
    found: int | None = await connection.scalar(query)
    return found


async def update_user(connection: Connection, user_id: int, values: dict[str, Any]) -> None:
    """Set columns of an account."""
    await connection.execute(update(users).where(users.c.id == user_id).values(values))
