"""Keyset pages over a table's ascending ids."""

from dataclasses import dataclass
from typing import Any

from hearback_kit.db import Connection
from sqlalchemy import ColumnElement, Select


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page starts: the id of the row before it, or after it when read backward."""

    id: int
    backward: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in ascending order of id, and whether there are more on either side."""

    rows: list[Any]
    has_previous: bool = False
    has_next: bool = False


async def fetch_page(
    connection: Connection, query: Select[Any], key: ColumnElement[int], position: Position | None, limit: int
) -> Page:
    """At most `limit` rows of a query that has no order yet."""
    backward = position is not None and position.backward
    if position is not None:
        query = query.where(key < position.id if backward else key > position.id)
    query = query.order_by(key.desc() if backward else key.asc()).limit(limit + 1)
    rows = list((await connection.execute(query)).all())
    more = len(rows) > limit
    rows = rows[:limit]
    if backward:
        rows.reverse()
        return Page(rows, has_previous=more, has_next=True)
    return Page(rows, has_previous=position is not None, has_next=more)
