"""Slugs of organizations and projects. A former slug leads to its last owner until another one takes it."""

from typing import Any

from hearback_kit.db import Connection
from hearback_kit.values.ids import parse_id
from sqlalchemy import ColumnElement, Select, Table, func, update


def named(query: Select[Any], table: Table, id_or_slug: str) -> Select[Any]:
    """Narrow a query to the row with an id (digits only) or a slug, or that had the slug before."""
    if id_or_slug.isascii() and id_or_slug.isdigit():
        return query.where(table.c.id == parse_id(id_or_slug))
    is_current: ColumnElement[bool] = table.c.slug == id_or_slug
    had_it = table.c.former_slugs.contains([id_or_slug])
    return query.where(is_current | had_it).order_by(is_current.desc()).limit(1)


async def take_slug(connection: Connection, table: Table, slug: str, *within: ColumnElement[bool]) -> None:
    """Let a slug lead to its new owner, not to one that had it before."""
    had_it = table.c.former_slugs.contains([slug])
    taken = {"former_slugs": func.array_remove(table.c.former_slugs, slug)}
    await connection.execute(update(table).where(had_it, *within).values(taken))
