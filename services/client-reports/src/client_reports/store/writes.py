"""Several writes of rows as one statement: columns travel as arrays, and each write is a part of one `WITH`.

Statements are built once for each combination of writes, and prepared once per connection: batches are mostly
small, and building a statement would cost more than writing the rows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Self

from hearback_kit.db import Connection, Direct
from hearback_kit.db.prepared import fetch
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

_STATEMENTS_MAX: Final = 1_024
_DIALECT: Final = postgresql.dialect()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Shape:
    """A write without its values: `sql` reads the rows as `{rows}`, whose columns have names and SQL types."""

    sql: str
    columns: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, table: Table, sql: str, names: Iterable[str]) -> Self:
        """Return the write of columns of a table; `{names}` in `sql` are their names."""
        columns = tuple((name, sql_type(table, name)) for name in names)
        return cls(sql.replace("{names}", ", ".join(name for name, _ in columns)), columns)


@dataclass(frozen=True, slots=True)
class Write:
    """Rows to write; `values` has one list per column of the shape, all of the same length."""

    shape: Shape
    values: Sequence[Sequence[Any]]


def sql_type(table: Table, name: str) -> str:
    """Return the type of a column in SQL, without its collation."""
    return str(table.c[name].type.compile(dialect=_DIALECT)).partition(" COLLATE")[0]


def columns_of(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """Return rows as one list per column; no lists for no rows."""
    return [list(column) for column in zip(*rows, strict=True)]


async def execute_writes(connection: Connection | Direct, writes: Sequence[Write]) -> None:
    """Execute writes to different tables in one round trip; those without rows are left out."""
    wanted = [write for write in writes if write.values and write.values[0]]
    if wanted:
        statement = _statement(tuple(write.shape for write in wanted))
        await fetch(connection, statement, *(values for write in wanted for values in write.values))


async def execute(connection: Connection, statement: str, *parameters: Any) -> int:
    """Execute a statement with positional parameters, prepared once per connection; return the rows affected."""
    return (await connection.exec_driver_sql(statement, parameters)).rowcount


@lru_cache(maxsize=_STATEMENTS_MAX)
def _statement(shapes: tuple[Shape, ...]) -> str:
    parts: list[str] = []
    number = 0
    for position, shape in enumerate(shapes):
        arrays = ", ".join(f"${number + offset}::{kind}[]" for offset, (_, kind) in enumerate(shape.columns, 1))
        number += len(shape.columns)
        names = ", ".join(name for name, _ in shape.columns)
        rows = f"unnest({arrays}) AS added ({names})"
        parts.append(f"written_{position} AS ({shape.sql.replace('{rows}', rows)})")
    return f"WITH {', '.join(parts)} SELECT 1"
