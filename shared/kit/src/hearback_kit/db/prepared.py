"""Statements of hot paths, compiled once.

SQLAlchemy builds a cache key for each execution, which for small batches costs more than the rows.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler

from hearback_kit.db.database import Connection, Direct


async def fetch(connection: Connection | Direct, statement: str, *parameters: Any) -> Sequence[Any]:
    """Execute a statement with positional parameters (`$1`), prepared once per connection; return its rows."""
    if not isinstance(connection, Connection):
        return await connection.fetch(statement, *parameters)
    return (await connection.exec_driver_sql(statement, parameters)).all()


class Prepared:
    """A statement with named parameters; the server prepares it once per connection.

    Parameters and columns have the driver's types: JSON is text in both directions.
    """

    def __init__(self, statement: ClauseElement) -> None:
        self.statement = statement

    @cached_property
    def _compiled(self) -> tuple[str, Sequence[str], dict[str, Any]]:
        compiled = self.statement.compile(dialect=dialect())  # type: ignore[no-untyped-call]
        assert isinstance(compiled, SQLCompiler)
        return str(compiled), compiled.positiontup or (), dict(compiled.params)

    async def execute(self, connection: Connection, **parameters: Any) -> Any:
        """Execute the statement with a value for each of its parameters; return the result."""
        text, names, constants = self._compiled
        values = tuple(parameters[name] if name in parameters else constants[name] for name in names)
        return await connection.exec_driver_sql(text, values)
