"""The outbox: messages commit with the rows they announce, and a relay publishes them.

Published before deleted, so a kill in between publishes twice: readers are idempotent.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from prometheus_client import Gauge
from sqlalchemy import (
    BigInteger,
    Column,
    Identity,
    LargeBinary,
    MetaData,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    text,
)

from hearback_kit.background import Heartbeat
from hearback_kit.bus.protocol import Bus, Outgoing
from hearback_kit.db import Connection, Database
from hearback_kit.errors import Unavailable
from hearback_kit.logs import get_logger

_log = get_logger(__name__)
OutboxTable = Table
WAITING = Gauge("hearback_outbox_waiting", "Outbox messages that wait to be published, 10,000 at most.")
_COUNTED_MAX = 10_000
_COUNT_SECONDS = 1.0
# As a subquery it is asked once, in the same round trip; the lock ends with the transaction.
_OUR_TURN = text("(SELECT pg_try_advisory_xact_lock(hashtext('outbox-relay')))")


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
    """Publishes what committed. Several may run, one at a time publishes, so a stream keeps its order.

    A stream that refuses its messages (a wrong kind of key, say) does not hold up the others.
    """

    def __init__(
        self, database: Database, table: Table, bus: Bus, *, batch_max: int = 500, poll_seconds: float = 0.2
    ) -> None:
        self._database = database
        self._table = table
        self._bus = bus
        self._batch_max = batch_max
        self._poll_seconds = poll_seconds
        self._woken = asyncio.Event()
        self._count_at = 0.0
        self._heart = Heartbeat()
        self._refused: frozenset[str] = frozenset()
        self._separately = (
            False  # while some stream refuses: else the others would get their messages again and again
        )

    @property
    def idle_seconds(self) -> float:
        """Seconds since the relay last went round its loop; grows when it hangs."""
        return self._heart.idle_seconds

    def wake(self) -> None:
        """Say that something committed, so that it need not wait for the next poll."""
        self._woken.set()

    async def _count(self) -> None:
        """Measure now and then how much waits; a relay whose turn it is not does so as well."""
        now = time.monotonic()
        if now < self._count_at:
            return
        self._count_at = now + _COUNT_SECONDS
        some = select(self._table.c.id).limit(_COUNTED_MAX).subquery()
        async with self._database.connection() as connection:
            WAITING.set(await connection.scalar(select(func.count()).select_from(some)) or 0)

    async def publish_once(self) -> int:
        """Publish one batch, oldest first; returns how many messages left the outbox."""
        table = self._table
        async with self._database.transaction() as connection:
            wanted = select(table).where(_OUR_TURN).order_by(table.c.id).limit(self._batch_max)
            if self._refused:
                wanted = wanted.where(table.c.key.not_in(sorted(self._refused)))
            rows = (await connection.execute(wanted.with_for_update(skip_locked=True))).all()
            if not rows:
                return 0
            published = await self._publish(rows)
            if published:
                await connection.execute(delete(table).where(table.c.id.in_(published)))
        return len(published)

    async def _publish(self, rows: Sequence[Any]) -> list[int]:
        """The ids of what was published; a key whose messages are refused is left out until the next rest."""
        if self._separately:
            return await self._publish_by_key(rows)
        try:
            await self._bus.publish([_message(row) for row in rows])
        except Unavailable:
            raise
        except Exception as error:
            _log.error("outbox_refused", messages=len(rows), error=type(error).__name__)
            return await self._publish_by_key(rows)
        return [row.id for row in rows]

    async def _publish_by_key(self, rows: Sequence[Any]) -> list[int]:
        by_key: dict[str, list[Any]] = {}
        for row in rows:
            by_key.setdefault(row.key, []).append(row)
        published: list[int] = []
        self._separately = False
        for key, part in by_key.items():
            try:
                await self._bus.publish([_message(row) for row in part])
            except Unavailable:
                return published
            except Exception as error:
                _log.error("outbox_key_refused", key=key, messages=len(part), error=type(error).__name__)
                self._refused |= {key}
                self._separately = True
            else:
                published += [row.id for row in part]
        return published

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until `stop` is set; what is left stays for the next start."""
        while not stop.is_set():
            self._heart.beat()
            self._woken.clear()
            known = self._refused
            try:
                await self._count()
                published = await self.publish_once()
                # A batch may hold nothing but refused messages: what lies behind them is next.
                if published == self._batch_max or self._refused != known or (published and self._refused):
                    continue
            except Unavailable as error:
                _log.warning("outbox_waits", reason=error.detail)
                await self._rest(stop, 1.0, wakeable=False)
                continue
            refused, self._refused = bool(self._refused), frozenset()
            await self._rest(stop, 1.0 if refused else self._poll_seconds)

    async def _rest(self, stop: asyncio.Event, seconds: float, *, wakeable: bool = True) -> None:
        waits = [asyncio.ensure_future(stop.wait())]
        if wakeable:
            waits.append(asyncio.ensure_future(self._woken.wait()))
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


def _message(row: Any) -> Outgoing:
    return Outgoing(
        key=row.key,
        type=row.type,
        version=row.version,
        data=row.data,
        body=row.body,
        traceparent=row.traceparent,
    )
