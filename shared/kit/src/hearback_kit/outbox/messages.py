"""Store messages inside a transaction."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, Column, Identity, LargeBinary, MetaData, Table, Text

from hearback_kit.bus.messages import Outgoing
from hearback_kit.db import Connection

OutboxTable = Table


class Added(NamedTuple):
    """Messages in the outbox, and the ids of their rows in the same order."""

    ids: tuple[int, ...]
    messages: tuple[Outgoing, ...]


NOTHING: Final = Added((), ())
Restore = Callable[[Connection, Sequence[Outgoing]], Awaitable[Sequence[Outgoing | None]]]
"""Makes messages of rows that hold less than these, in the same order; None where nothing is left to announce."""


async def as_stored(_connection: Connection, messages: Sequence[Outgoing]) -> Sequence[Outgoing]:
    """Return messages whose rows are complete."""
    return messages


def outbox_table(metadata: MetaData) -> Table:
    """Declare the outbox in a service's metadata; its migration creates it like any other table."""
    return Table(
        "outbox",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("key", Text, nullable=False),
        Column("type", Text, nullable=False),
        Column("version", Text, nullable=False),
        Column("data", LargeBinary, nullable=False),
        Column("body", LargeBinary),
        Column("traceparent", Text),
    )


def outbox_insert(table: Table, first: int) -> str:
    """Return the statement that stores messages and returns their ids, alone or as a part of a larger one.

    Its parameters are numbered from `first` on: `outbox_values`.
    """
    types = ("text", "text", "text", "bytea", "bytea", "text")
    arrays = ", ".join(f"${first + place}::{name}[]" for place, name in enumerate(types))
    return (
        f"INSERT INTO {table.name} (key, type, version, data, body, traceparent)"
        f" SELECT * FROM unnest({arrays}) RETURNING id"
    )


def outbox_values(messages: Sequence[Outgoing]) -> tuple[Sequence[Any], ...]:
    """Return the parameters of `outbox_insert`. `unnest` pads arrays with NULL, so bodies may be omitted."""
    bodies = [message.body for message in messages]
    return (
        [message.key for message in messages],
        [message.type for message in messages],
        [message.version for message in messages],
        [message.data for message in messages],
        bodies if bodies.count(None) < len(bodies) else [],
        [message.traceparent for message in messages],
    )


class Outbox:
    """Stores messages inside a transaction."""

    def __init__(self, table: Table) -> None:
        self._statement = outbox_insert(table, 1)

    async def add(self, connection: Connection, messages: Sequence[Outgoing]) -> Added:
        """Store messages in one statement; pass the result to the relay after the commit."""
        if not messages:
            return NOTHING
        rows = await connection.exec_driver_sql(self._statement, outbox_values(messages))
        return Added(tuple(sorted(row[0] for row in rows)), tuple(messages))
