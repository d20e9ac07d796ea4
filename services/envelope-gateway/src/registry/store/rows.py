"""What every aggregate is asked for: a page of its records, and the number of its rows."""

from functools import partial
from typing import Any, TypeVar

from hearback_kit.db import Connection
from hearback_kit.db.rows import Window, read_window, record
from sqlalchemy import ColumnElement, Select, Table, func, select

Record = TypeVar("Record")


async def read_page(
    connection: Connection, kind: type[Record], query: Select[Any], key: ColumnElement[Any], window: Window
) -> list[Record]:
    """Return a page of a query's records, oldest first."""
    return await read_window(connection, partial(record, kind), query, (key,), window, newest_first=False)


async def count(connection: Connection, table: Table, *conditions: ColumnElement[bool]) -> int:
    """Return how many rows of a table meet all conditions."""
    return int(await connection.scalar(select(func.count()).select_from(table).where(*conditions)) or 0)
