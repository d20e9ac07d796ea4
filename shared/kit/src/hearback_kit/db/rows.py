"""Rows as typed records: dataclasses whose fields are named like the columns."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, FromClause

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
