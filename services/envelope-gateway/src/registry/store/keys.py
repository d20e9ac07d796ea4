"""Client keys of projects."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hearback_kit.db import Connection
from hearback_kit.db.rows import Window, find_record, record
from hearback_kit.values.ids import parse_id
from sqlalchemy import delete, insert, select, update

from registry.store.rows import count, read_page
from registry.store.tables import project_keys


@dataclass(frozen=True, slots=True)
class Key:
    """A client key; `public` is the user part of its DSN."""

    id: int
    project_id: int
    public: str
    secret: str
    name: str
    is_active: bool
    created_at: datetime


async def list_keys(connection: Connection, project_id: int, window: Window) -> list[Key]:
    """Return a page of a project's keys."""
    query = select(project_keys).where(project_keys.c.project_id == project_id)
    return await read_page(connection, Key, query, project_keys.c.id, window)


async def find_key(connection: Connection, project_id: int, id_or_public: str) -> Key | None:
    """Lock and return a key of a project by id or public part, or None."""
    query = select(project_keys).where(project_keys.c.project_id == project_id).with_for_update()
    key_id = parse_id(id_or_public)
    is_wanted = project_keys.c.public == id_or_public if key_id is None else project_keys.c.id == key_id
    return await find_record(connection, Key, query.where(is_wanted))


async def find_first_active(connection: Connection, project_id: int) -> Key | None:
    """Return a project's oldest active key, or None."""
    query = (
        select(project_keys)
        .where(project_keys.c.project_id == project_id, project_keys.c.is_active)
        .order_by(project_keys.c.id)
        .limit(1)
    )
    return await find_record(connection, Key, query)


async def count_keys(connection: Connection, project_id: int) -> int:
    """Return how many keys a project has."""
    return await count(connection, project_keys, project_keys.c.project_id == project_id)


async def add_key(
    connection: Connection, project_id: int, name: str, public: str, secret: str, now: datetime
) -> Key:
    query = insert(project_keys).values(
        project_id=project_id, name=name, public=public, secret=secret, is_active=True, created_at=now
    )
    return record(Key, (await connection.execute(query.returning(project_keys))).one())


async def update_key(connection: Connection, key_id: int, values: dict[str, Any]) -> Key:
    """Set columns of a key."""
    query = update(project_keys).where(project_keys.c.id == key_id).values(values)
    return record(Key, (await connection.execute(query.returning(project_keys))).one())


async def remove_key(connection: Connection, key_id: int) -> None:
    await connection.execute(delete(project_keys).where(project_keys.c.id == key_id))
