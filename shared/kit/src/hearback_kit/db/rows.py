"""Rows as typed records: dataclasses with fields named like the columns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    FromClause,
    Select,
    Table,
    delete,
    func,
    literal,
    literal_column,
    select,
    tuple_,
)

from hearback_kit.db.database import Connection

Record = TypeVar("Record")
# Converts a column's value to the record's field.
Reader = Callable[[Any], Any]


def columns(kind: Any, *tables: FromClause, **others: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    """Return the columns of a record's fields: from `others`, else from the first table that has it."""
    names = [field.name for field in fields(kind)]
    return [
        others[name].label(name) if name in others else next(table.c[name] for table in tables if name in table.c)
        for name in names
    ]


@dataclass(frozen=True, slots=True)
class Window:
    """Up to `limit` rows of a list after the sort key `position`, or `backward` before it."""

    limit: int
    position: Sequence[Any] | None = None
    backward: bool = False

    def statement(
        self, query: Select[Any], key: Sequence[ColumnElement[Any]], *, newest_first: bool = True
    ) -> Select[Any]:
        """Add ORDER BY, position and LIMIT to an unordered query.

        Rows read backward are in reverse order.
        """
        descending = self.backward != newest_first
        if self.position is not None:
            place = tuple_(
                *(literal(value, column.type) for value, column in zip(self.position, key, strict=True))
            )
            query = query.where(tuple_(*key) < place if descending else tuple_(*key) > place)
        return query.order_by(*(column.desc() if descending else column.asc() for column in key)).limit(self.limit)


async def read_window(
    connection: Connection,
    read: Callable[[Any], Record],
    query: Select[Any],
    key: Sequence[ColumnElement[Any]],
    window: Window,
    *,
    newest_first: bool = True,
) -> list[Record]:
    """Return the rows of a window, converted by `read`, in the list's order; see `Window.statement`."""
    statement = window.statement(query, key, newest_first=newest_first)
    found = [read(row) for row in await connection.execute(statement)]
    return found[::-1] if window.backward else found


async def count_changed(connection: Connection, statement: Any) -> int:
    """Execute a statement; return the number of rows that it changed."""
    return int((await connection.execute(statement)).rowcount)


async def delete_some(
    connection: Connection,
    table: Table,
    *conditions: ColumnElement[bool],
    limit: int,
    skip_locked: bool = False,
) -> int:
    """Delete up to `limit` rows of a table, which must not be partitioned; return how many.

    With `skip_locked` rows that are locked stay.
    """
    place: ColumnClause[Any] = literal_column("ctid")  # of a row, and unique in its partition only
    chosen = select(place).select_from(table).where(*conditions).limit(limit)
    if skip_locked:
        chosen = chosen.with_for_update(skip_locked=True)
    return await count_changed(connection, delete(table).where(is_among(place, chosen)))


def is_among(column: ColumnElement[Any], chosen: Select[Any]) -> ColumnElement[bool]:
    """Return the condition that a column is one of the chosen values, which are chosen once.

    `column IN (SELECT ...)` may become a join that selects again for each row: PostgreSQL plans so while its
    statistics call a table empty that has just been filled.
    """
    return column == func.any(func.array(chosen.scalar_subquery()))


def unindexed(number: ColumnElement[int]) -> ColumnElement[int]:
    """Return a column of numbers as an expression that no index is on: rows are found by the other conditions.

    Where several indexes start with a column, one that reads all rows with a value of it may look as short as the
    one that also has the other columns: PostgreSQL's statistics may be of a time when the table was empty.
    """
    return number + literal_column("0", number.type)


def record(kind: type[Record], row: Any, /, **readers: Reader) -> Record:
    """Return a row as a record; `readers` convert values, or the whole row for a field without a column."""
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    values = {name: value for name, value in row._mapping.items() if name in names}
    return kind(**values | {name: read(values.get(name, row)) for name, read in readers.items()})


async def find_record(
    connection: Connection, kind: type[Record], query: Any, /, **readers: Reader
) -> Record | None:
    """Return the single row of a query as a record, or None."""
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else record(kind, row, **readers)


async def list_records(
    connection: Connection, kind: type[Record], query: Any, /, **readers: Reader
) -> list[Record]:
    """Return the rows of a query as records."""
    return [record(kind, row, **readers) for row in await connection.execute(query)]
