"""The outbox: messages commit with the rows they announce, and a relay publishes them.

Published before deleted, so a kill in between publishes twice: readers are idempotent.
"""

import asyncio
from collections.abc import Sequence

from sqlalchemy import (
    BigInteger,
    Column,
    Identity,
    LargeBinary,
    MetaData,
    Table,
    Text,
    delete,
    insert,
    select,
)

from hearback_kit.bus.protocol import Bus, Outgoing
from hearback_kit.db import Connection, Database
from hearback_kit.errors import Unavailable
from hearback_kit.logs import get_logger

_log = get_logger(__name__)


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


class Outbox:
    """Takes messages inside a transaction."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def add(self, connection: Connection, messages: Sequence[Outgoing]) -> None:
        """Store messages in one statement; they are published after the transaction commits."""
        if not messages:
            return
        await connection.execute(
            insert(self._table),
            [
                {
                    "key": message.key,
                    "type": message.type,
                    "version": message.version,
                    "data": message.data,
                    "body": message.body,
                    "traceparent": message.traceparent,
                }
                for message in messages
            ],
        )


class OutboxRelay:
    """Publishes what committed. Several may run; each row is taken by one of them."""

    def __init__(
        self, database: Database, table: Table, bus: Bus, *, batch_max: int = 500, poll_seconds: float = 0.2
    ) -> None:
        self._database = database
        self._table = table
        self._bus = bus
        self._batch_max = batch_max
        self._poll_seconds = poll_seconds
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Say that something committed, so that it need not wait for the next poll."""
        self._woken.set()

    async def publish_once(self) -> int:
        """Publish one batch, oldest first; returns how many messages it held."""
        table = self._table
        async with self._database.transaction() as connection:
            rows = (
                await connection.execute(
                    select(table)
                    .order_by(table.c.id)
                    .limit(self._batch_max)
                    .with_for_update(skip_locked=True)
                )
            ).all()
            if not rows:
                return 0
            await self._bus.publish(
                [
                    Outgoing(
                        key=row.key,
                        type=row.type,
                        version=row.version,
                        data=row.data,
                        body=row.body,
                        traceparent=row.traceparent,
                    )
                    for row in rows
                ]
            )
            await connection.execute(delete(table).where(table.c.id.in_([row.id for row in rows])))
        return len(rows)

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until `stop` is set; what is left stays for the next start."""
        while not stop.is_set():
            self._woken.clear()
            try:
                if await self.publish_once() == self._batch_max:
                    continue
            except Unavailable as error:
                _log.warning("outbox_waits", reason=error.detail)
                await self._rest(stop, 1.0)
                continue
            await self._rest(stop, self._poll_seconds)

    async def _rest(self, stop: asyncio.Event, seconds: float) -> None:
        waits = [asyncio.ensure_future(self._woken.wait()), asyncio.ensure_future(stop.wait())]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
