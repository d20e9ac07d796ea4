"""`error-event.received`: index, group, link."""

from collections.abc import Sequence
from datetime import timedelta

from hearback_contracts.events import ErrorEventReceived
from hearback_fleet.messages import decode
from hearback_kit.bus import Incoming

from user_reports.domain.occurrence import occurrence_of
from user_reports.service.context import ServiceContext
from user_reports.service.index_events import index_events


class ErrorEventHandler:
    """Indexes batches of error events, each batch in one transaction.

    `retention` is the age beyond which an event's own timestamp is ignored.
    """

    def __init__(self, context: ServiceContext, *, retention: timedelta) -> None:
        self._context = context
        self._retention = retention

    async def __call__(self, batch: Sequence[Incoming]) -> None:
        """Handle a batch; raise ValueError for an invalid message."""
        events = [decode(ErrorEventReceived, item) for item in batch]
        await index_events(self._context, [occurrence_of(event, self._retention) for event in events])
