"""`error-event.received`: index, group, link."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from hearback_contracts.events import ErrorEventReceived
from hearback_fleet.messages import decode, without_nul
from hearback_kit.bus import Incoming

from user_reports.domain.occurrence import occurrence_of
from user_reports.service.context import ServiceContext
from user_reports.service.index_events import index_events


class ErrorEventHandler:
    """Indexes batches of error events, each batch in one transaction.

    `retention` is the age beyond which an event's own time is not believed.
    """

    def __init__(self, context: ServiceContext, *, retention: timedelta) -> None:
        self._context = context
        self._retention = retention

    async def __call__(self, batch: Sequence[Incoming]) -> None:
        """Handle a batch; raise ValueError for what is no such message."""
        await index_events(self._context, [occurrence_of(_read(item), self._retention) for item in batch])


def _read(item: Incoming) -> ErrorEventReceived:
    """Return the event of a message, without NUL characters, which the database could not store."""
    data = without_nul(item.data)
    return decode(ErrorEventReceived, item if data is item.data else replace(item, data=data))
