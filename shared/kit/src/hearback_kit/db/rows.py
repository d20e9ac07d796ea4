"""Rows as typed records: dataclasses whose fields are named like the columns."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, FromClause, Select, literal, tuple_

from hearback_kit.db.database import Connection

Record = TypeVar("Record")
# Turns a column's value into what the record's field holds.
Reader = Callable[[Any], Any]


def columns(kind: Any, *tables: FromClause, **others: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    """Return the columns of a record's fields: what `others` names, else that of the first table which has it."""
    names = [field.name for field in fields(kind)]
    return [
        others[name].label(name) if name in others else next(table.c[name] for table in tables if name in table.c)
        for name in names
    ]


def page_statement(
    statement: Select[Any],
    key: Sequence[ColumnElement[Any]],
    limit: int,
    position: Sequence[Any] | None = None,
    *,
    backward: bool = False,
    newest_first: bool = True,
) -> Select[Any]:
    """Select up to `limit` rows of a list after (or `backward` before) a position in it, by a sort key.

    What is read backward comes in the reverse order of the list.
    """
    descending = backward != newest_first
    if position is not None:
        place = tuple_(*(literal(value, column.type) for value, column in zip(position, key, strict=True)))
        statement = statement.where(tuple_(*key) < place if descending else tuple_(*key) > place)
    return statement.order_by(*(column.desc() if descending else column.asc() for column in key)).limit(limit)


def record(kind: type[Record], row: Any, /, **readers: Reader) -> Record:
    """Return a row as a record; the reader of a field without a column is given the row."""
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    values = {name: value for name, value in row._mapping.items() if name in names}
    return kind(**values | {name: read(values.get(name, row)) for name, read in readers.items()})


async def find_record(
    connection: Connection, kind: type[Record], query: Any, /, **readers: Reader
) -> Record | None:
    """Return the one row that a query finds as a record, or None."""
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else record(kind, row, **readers)


async def list_records(
    connection: Connection, kind: type[Record], query: Any, /, **readers: Reader
) -> list[Record]:
    """Return the rows that a query finds as records."""
    return [record(kind, row, **readers) for row in await connection.execute(query)]
