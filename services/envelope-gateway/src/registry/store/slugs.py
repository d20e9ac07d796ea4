"""Slugs of organizations and projects. A former slug leads to its last owner until another one takes it."""

from collections.abc import Sequence
from typing import Final

from hearback_kit.db import Connection
from sqlalchemy import ColumnElement, Select, Table, func, update

FORMER_SLUGS_MAX: Final = 20


def with_slug(query: Select[tuple[object, ...]], table: Table, slug: str) -> Select[tuple[object, ...]]:
    """Narrow a query to the row that has a slug, or had it before."""
    is_current: ColumnElement[bool] = table.c.slug == slug
    return query.where(is_current | table.c.former_slugs.contains([slug])).order_by(is_current.desc()).limit(1)


def with_former(former: Sequence[str], slug: str, new: str) -> list[str]:
    """Return the former slugs of what gets a new one instead of `slug`, the oldest first."""
    return [*(one for one in former if one not in {slug, new}), slug][-FORMER_SLUGS_MAX:]


async def take_slug(connection: Connection, table: Table, slug: str, *within: ColumnElement[bool]) -> None:
    """Let a slug lead to its new owner, not to one that had it before."""
    had_it = table.c.former_slugs.contains([slug])
    taken = {"former_slugs": func.array_remove(table.c.former_slugs, slug)}
    await connection.execute(update(table).where(had_it, *within).values(taken))
