"""Keyset pages over a table's ids."""

from dataclasses import dataclass
from typing import Any, TypeVar

from hearback_kit.db import Connection
from hearback_kit.db.rows import list_records, page_statement
from sqlalchemy import ColumnElement, Select

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Window:
    """Which rows to fetch: `fetch` of them after the one with id `position` in the list, or before it."""

    fetch: int
    position: int | None = None
    backward: bool = False


async def fetch_window(
    connection: Connection,
    kind: type[T],
    query: Select[Any],
    key: ColumnElement[int],
    window: Window,
    *,
    newest_first: bool = False,
) -> list[T]:
    """Return records of a query that has no order yet, by ascending id or `newest_first`."""
    position = None if window.position is None else (window.position,)
    query = page_statement(
        query, (key,), window.fetch, position, backward=window.backward, newest_first=newest_first
    )
    found = await list_records(connection, kind, query)
    return found[::-1] if window.backward else found
