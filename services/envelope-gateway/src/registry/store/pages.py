"""Keyset pages over a table's ascending ids."""

from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from hearback_kit.db import Connection
from sqlalchemy import ColumnElement, Select

from registry.store.rows import records


class Identified(Protocol):
    """A record with an id."""

    @property
    def id(self) -> int:
        """The id of the row."""
        ...


T = TypeVar("T", bound=Identified)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page starts: the id of the row before it, or after it when read backward."""

    id: int
    backward: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Records, and whether there are more on either side."""

    rows: list[T]
    has_previous: bool = False
    has_next: bool = False


async def fetch_page(
    connection: Connection,
    kind: type[T],
    query: Select[Any],
    key: ColumnElement[int],
    position: Position | None,
    limit: int,
    *,
    newest_first: bool = False,
) -> Page[T]:
    """Return at most `limit` records of a query that has no order yet, by ascending id or `newest_first`."""
    backward = position is not None and position.backward
    descending = backward != newest_first
    if position is not None:
        query = query.where(key < position.id if descending else key > position.id)
    query = query.order_by(key.desc() if descending else key.asc()).limit(limit + 1)
    rows = list((await connection.execute(query)).all())
    more = len(rows) > limit
    found = records(kind, rows[:limit])
    if backward:
        found.reverse()
        return Page(found, has_previous=more, has_next=True)
    return Page(found, has_previous=position is not None, has_next=more)
