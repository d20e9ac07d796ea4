"""Several writes of rows as one statement: columns travel as arrays, and each write is a part of one `WITH`.

Statements are text that is put together once for each combination of writes and prepared once per connection:
a batch is mostly a handful of rows, of which building statements would cost more than writing them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from hearback_kit.db import Connection, Direct

_STATEMENTS_MAX: Final = 1_024


@dataclass(frozen=True, slots=True)
class Shape:
    """A write without its values: `sql` reads the rows as `{rows}`, whose columns have names and SQL types."""

    sql: str
    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Write:
    """Rows to write; `values` has one list per column of the shape, all of the same length."""

    shape: Shape
    values: Sequence[Sequence[Any]]


async def execute_writes(connection: Connection | Direct, writes: Sequence[Write]) -> None:
    """Execute writes to different tables in one round trip; those without rows are left out."""
    wanted = [write for write in writes if write.values[0]]
    if wanted:
        statement = _statement(tuple(write.shape for write in wanted))
        await fetch(connection, statement, *(values for write in wanted for values in write.values))


async def fetch(connection: Connection | Direct, statement: str, *parameters: Any) -> Sequence[Any]:
    """Execute a statement with positional parameters (`$1`), prepared once per connection; return its rows."""
    if not isinstance(connection, Connection):
        return await connection.fetch(statement, *parameters)
    return (await connection.exec_driver_sql(statement, parameters)).all()


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
