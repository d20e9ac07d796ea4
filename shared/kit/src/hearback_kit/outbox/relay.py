"""The relay: publishes committed messages."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from prometheus_client import Gauge
from sqlalchemy import delete, select, text

from hearback_kit.background import Heartbeat, pause
from hearback_kit.bus.messages import Outgoing, SomeAway
from hearback_kit.bus.redis_streams import RedisStreams
from hearback_kit.db import Database
from hearback_kit.errors import Unavailable
from hearback_kit.logs import get_logger
from hearback_kit.outbox.messages import Added, OutboxTable, Restore, as_stored

_log = get_logger(__name__)
WAITING = Gauge(
    "hearback_outbox_waiting", "Outbox messages left behind, which wait to be published; 10,000 at most."
)
_COUNTED_MAX: Final = 10_000
_OUTAGE_SECONDS: Final = 1.0
# Asynchronously: rows that a crash brings back are published once more.
_DELETE: Final = (
    "WITH gone AS (DELETE FROM {table} WHERE id = ANY(string_to_array($1, ',')::bigint[]))"
    " SELECT set_config('synchronous_commit', 'off', true)"
)
# As a subquery it is evaluated once, in the same round trip; the lock ends with the transaction.
_OUR_TURN = text("(SELECT pg_try_advisory_xact_lock(hashtext('outbox-relay')))")

Row = tuple[int, Outgoing]


class OutboxRelay(Heartbeat):
    """Publishes messages from memory when their transaction has committed, and rows that were left behind.

    A row is left behind if it is still in the table after `behind_seconds`; until then, the process that committed
    it publishes and deletes it. An empty table is polled every `poll_seconds`. Of several relays, one at a time
    publishes from the table, in the order of the rows. Rows published from memory are deleted in batches, every
    `delete_seconds`. Messages that exceed `memory_max`, or fail to be published from memory, are left behind, and
    later ones may overtake them. `restore` makes the messages of rows that are read back.

    A stream that refuses its messages (its key has another type), or that is on an unreachable node of a cluster,
    does not hold up the others.
    """

    def __init__(
        self,
        database: Database,
        table: OutboxTable,
        bus: RedisStreams,
        *,
        restore: Restore = as_stored,
        batch_max: int = 500,
        poll_seconds: float = 5.0,
        behind_seconds: float = 2.0,
        delete_seconds: float = 0.5,
        memory_max: int = 2_000,
    ) -> None:
        super().__init__()
        self._database = database
        self._table = table
        self._bus = bus
        self._restore = restore
        self._batch_max = batch_max
        self._poll_seconds = poll_seconds
        self._behind_seconds = behind_seconds
        self._delete_seconds = delete_seconds
        self._memory_max = memory_max
        self._woken = asyncio.Event()
        self._committed: deque[Row] = deque()
        self._published: list[int] = []
        self._delete_at = 0.0
        self._look_at = 0.0
        self._seen: int | None = None  # the newest row at the last look
        self._refused: frozenset[str] = frozenset()
        # While some stream refuses; else the others would get their messages again and again.
        self._separately = False

    def publish(self, added: Added) -> None:
        """Publish messages whose transaction has committed."""
        if not added.ids:
            return
        if len(self._committed) + len(added.ids) > self._memory_max:
            self._look_soon()
        else:
            self._committed.extend(zip(added.ids, added.messages, strict=True))
        self._woken.set()

    async def publish_once(self) -> int:
        """Publish one batch of the table, oldest first; return how many messages left the outbox."""
        table = self._table
        async with self._database.transaction() as connection:
            wanted = select(table).where(_OUR_TURN).order_by(table.c.id).limit(self._batch_max)
            if self._refused:
                wanted = wanted.where(table.c.key.not_in(sorted(self._refused)))
            if self._seen is not None:
                wanted = wanted.where(table.c.id <= self._seen)
            rows = (await connection.execute(wanted.with_for_update(skip_locked=True))).all()
            if not rows:
                return 0
            messages = await self._restore(connection, [_message(row) for row in rows])
            restored = [(row.id, one) for row, one in zip(rows, messages, strict=True) if one is not None]
            published = await self._publish(restored) if restored else []
            published += [row.id for row, one in zip(rows, messages, strict=True) if one is None]
            if published:
                await connection.execute(delete(table).where(table.c.id.in_(published)))
        return len(published)

    async def _publish(self, rows: Sequence[Row]) -> list[int]:
        """Return the ids of published rows; a key that refuses its messages is skipped until the next look."""
        if self._separately:
            return await self._publish_by_key(rows)
        try:
            await self._bus.publish([message for _, message in rows])
        except SomeAway as away:
            self._refused |= away.keys
            return [number for number, message in rows if message.key not in away.keys]
        except Unavailable:
            raise
        except Exception as error:
            _log.error("outbox_refused", messages=len(rows), error=type(error).__name__)
            return await self._publish_by_key(rows)
        return [number for number, _ in rows]

    async def _publish_by_key(self, rows: Sequence[Row]) -> list[int]:
        by_key: dict[str, list[Row]] = {}
        for row in rows:
            by_key.setdefault(row[1].key, []).append(row)
        published: list[int] = []
        self._separately = False
        for key, part in by_key.items():
            try:
                await self._bus.publish([message for _, message in part])
            except SomeAway as away:
                self._refused |= away.keys
            except Unavailable:
                return published
            except Exception as error:
                _log.error("outbox_key_refused", key=key, messages=len(part), error=type(error).__name__)
                self._refused |= {key}
                self._separately = True
            else:
                published += [number for number, _ in part]
        return published

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until `stop` is set, then the remaining committed messages; others stay for the next start."""
        stopping = asyncio.create_task(self._wake_at(stop))
        try:
            while not stop.is_set():
                await self._round(stop)
        finally:
            stopping.cancel()
        try:
            await self._publish_committed()
            await self._delete_published()
        except Unavailable as error:
            _log.warning("outbox_is_left", reason=error.detail)

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._woken.set()

    async def _round(self, stop: asyncio.Event) -> None:
        self.beat()
        self._woken.clear()
        try:
            await self._turn()
        except Unavailable as error:
            _log.warning("outbox_waits", reason=error.detail)
            await pause(_OUTAGE_SECONDS, stop)
            return
        due = min(self._look_at, self._delete_at) if self._published else self._look_at
        await pause(max(0.0, due - time.monotonic()), self._woken)

    async def _turn(self) -> None:
        await self._publish_committed()
        now = time.monotonic()
        if self._published and now >= self._delete_at:
            await self._delete_published()
        if now >= self._look_at:
            await self._look()

    async def _publish_committed(self) -> None:
        """Publish from memory; failed messages are read from the table later, as after a kill."""
        while self._committed:
            rows = [self._committed.popleft() for _ in range(min(len(self._committed), self._batch_max))]
            wanted = [row for row in rows if row[1].key not in self._refused] if self._refused else rows
            if not self._published:
                self._delete_at = time.monotonic() + self._delete_seconds
            try:
                published = await self._publish(wanted) if wanted else []
            except Unavailable:
                self._committed.clear()
                self._look_soon()
                raise
            if len(published) < len(rows):
                self._look_soon()
            self._published += published

    async def _delete_published(self) -> None:
        """Delete the rows that were published from memory."""
        if not self._published:
            return
        gone = self._published[:]
        async with self._database.direct() as connection:
            await connection.fetch(_DELETE.format(table=self._table.name), ",".join(map(str, gone)))
        del self._published[: len(gone)]

    def _look_soon(self) -> None:
        self._look_at = min(self._look_at, time.monotonic() + self._behind_seconds)

    async def _look(self) -> None:
        """Measure the backlog, and publish rows that were there at the last look already."""
        self._refused = frozenset()
        newest, left_behind = await self._measure()
        if left_behind:
            await self._delete_published()
            await self._publish_left_behind()
            newest, _ = await self._measure()
        self._seen = newest or 0
        wait = self._poll_seconds if newest is None else self._behind_seconds
        self._look_at = time.monotonic() + wait

    async def _publish_left_behind(self) -> None:
        while True:
            self.beat()
            known = self._refused
            published = await self.publish_once()
            # A batch may have nothing but refused messages; the rows behind them are next.
            if not published and self._refused == known:
                return
            await self._publish_committed()

    async def _measure(self) -> tuple[int | None, int]:
        """Return the newest row of the table and how many are left behind, of the oldest 10,000."""
        statement = (
            "SELECT max(id), count(*) FILTER (WHERE id <= $1)"
            f" FROM (SELECT id FROM {self._table.name} ORDER BY id LIMIT {_COUNTED_MAX}) AS oldest"
        )
        async with self._database.statements() as connection:
            row: Any = (await connection.exec_driver_sql(statement, (self._seen or 0,))).one()
        WAITING.set(row[1])
        return row[0], row[1]


def _message(row: Any) -> Outgoing:
    return Outgoing(row.key, row.type, row.data, row.body, row.traceparent, row.version)
