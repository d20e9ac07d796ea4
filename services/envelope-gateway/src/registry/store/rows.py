"""Rows as typed records."""

from collections.abc import Iterable
from typing import Any, TypeVar

T = TypeVar("T")


def record(kind: type[T], row: Any) -> T:
    """Return a row as a record whose fields are named like its columns."""
    return kind(**row._mapping)


def record_or_none(kind: type[T], row: Any) -> T | None:
    """Return a row as a record, or None for no row."""
    return None if row is None else record(kind, row)


def records(kind: type[T], rows: Iterable[Any]) -> list[T]:
    """Return rows as records."""
    return [record(kind, row) for row in rows]
