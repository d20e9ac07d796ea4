"""`error-event.received`: index, group, link."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from hearback_contracts.events import ErrorEventReceived
from hearback_fleet.messages import decode, without_nul
from hearback_kit.bus import Incoming
from hearback_kit.clock import Clock
from hearback_kit.db import Database

from user_reports.domain.occurrence import occurrence_of
from user_reports.store.indexing import index_events
from user_reports.store.projects import Projects
from user_reports.store.telling import Telling


class EventHandler:
    """Indexes batches of error events, each batch in one transaction."""

    def __init__(
        self,
        database: Database,
        projects: Projects,
        clock: Clock,
        *,
        shards: int,
        retention: timedelta,
        wake: Callable[[], None],
    ) -> None:
        self._database = database
        self._projects = projects
        self._clock = clock
        self._shards = shards
        self._retention = retention
        self._wake = wake

    async def __call__(self, batch: Sequence[Incoming]) -> None:
        """Handle a batch; raises ValueError for what is no such message."""
        occurrences = [occurrence_of(_read(item), self._retention) for item in batch]
        denied = await self._projects.denied(item.event.project_id for item in occurrences)
        telling = Telling(self._clock, self._shards)
        async with self._database.transaction() as connection:
            await index_events(connection, occurrences, denied=denied, telling=telling, now=self._clock.now())
            await telling.write(connection)
        self._wake()


def _read(item: Incoming) -> ErrorEventReceived:
    """The event of a message, without NUL characters, which the database could not store."""
    data = without_nul(item.data)
    return decode(ErrorEventReceived, item if data is item.data else replace(item, data=data))
