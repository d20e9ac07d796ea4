"""Rows as typed records."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, FromClause

T = TypeVar("T")


def columns(kind: Any, *tables: FromClause, **others: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    """Return the columns of a record's fields: what `others` names, else that of the first table which has it."""
    names = [field.name for field in fields(kind)]
    return [
        others[name].label(name) if name in others else next(table.c[name] for table in tables if name in table.c)
        for name in names
    ]


def record(kind: type[T], row: Any) -> T:
    """Return a row as a record whose fields are named like its columns."""
    return kind(**row._mapping)


def record_or_none(kind: type[T], row: Any) -> T | None:
    """Return a row as a record, or None for no row."""
    return None if row is None else record(kind, row)


def records(kind: type[T], rows: Iterable[Any]) -> list[T]:
    """Return rows as records."""
    return [record(kind, row) for row in rows]
