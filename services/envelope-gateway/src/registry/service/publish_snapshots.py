"""Publish committed changes as snapshots for all services."""

from collections.abc import Sequence
from typing import Final

from hearback_kit.db import Database
from hearback_kit.errors import Unavailable
from hearback_kit.logs import get_logger
from hearback_kit.snapshots import SnapshotStore

from registry import metrics
from registry.store import snapshots

WITNESS: Final = "registry:published"  # gone when Valkey has lost its data

_log = get_logger(__name__)


class Publisher:
    """Publishes snapshots that are marked as changed, one publisher per snapshot at a time.

    The mark is locked from before the value is read until it is published, and a change updates the mark before it
    commits, so published values never go back in time.
    """

    def __init__(self, database: Database, store: SnapshotStore, *, batch_max: int) -> None:
        self._database = database
        self._store = store
        self._batch_max = batch_max
        self._history: str | None = None

    async def publish(self, names: Sequence[str] | None = None) -> int:
        """Publish marked snapshots (of the given names) and return their number; raise Unavailable."""
        if names is None:
            return await self._drain(None)
        batches = range(0, len(names), self._batch_max)
        return sum([await self._drain(list(names[start : start + self._batch_max])) for start in batches])

    async def publish_soon(self, names: Sequence[str]) -> None:
        """Publish now if possible, else leave it to `keep_published`."""
        try:
            await self.publish(names)
        except Exception as error:  # the change is committed: the worker makes up for whatever goes wrong now
            metrics.PUBLISH_FAILURES.inc()
            _log.warning("publishing_waits", snapshots=len(names), reason=str(error))

    async def keep_published(self) -> None:
        """Publish marked snapshots; all of them on startup and when Valkey may have lost data. Raise Unavailable.

        A replica that was promoted may lack the latest snapshots.
        """
        try:
            history = await self._store.history()
            if history != self._history or await self._store.get(WITNESS) is None:
                await self._publish_all()
                self._history = history
            elif await self._is_any_waiting():
                await self.publish()
        except Unavailable:
            metrics.PUBLISH_FAILURES.inc()
            async with self._database.connection() as connection:
                metrics.UNPUBLISHED.set(await snapshots.count_unpublished(connection))
            raise
        metrics.UNPUBLISHED.set(0)

    async def _is_any_waiting(self) -> bool:
        async with self._database.statements() as connection:
            return bool(await snapshots.count_unpublished(connection))

    async def _publish_all(self) -> None:
        await self._database.write(snapshots.mark_all)
        count = await self.publish()
        await self._store.publish({WITNESS: b"1"})
        _log.info("everything_published", snapshots=count)

    async def _drain(self, names: list[str] | None) -> int:
        count = 0
        while True:
            async with self._database.transaction() as connection:
                taken = await snapshots.take(connection, names, self._batch_max)
                if not taken:
                    return count
                await self._store.publish(await snapshots.values_of(connection, taken))
                await snapshots.unmark(connection, taken)
            count += len(taken)
            metrics.PUBLISHED.inc(len(taken))
