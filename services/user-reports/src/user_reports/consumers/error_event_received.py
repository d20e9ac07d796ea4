"""`error-event.received`: index, group, link."""

from collections.abc import Sequence
from datetime import timedelta

from hearback_contracts.events import ErrorEventReceived
from hearback_fleet.messages import decode
from hearback_kit.bus import Incoming

from user_reports.domain.occurrence import occurrence_of
from user_reports.service.app_state import ServiceContext
from user_reports.service.index_events import index_events


async def handle_error_events(context: ServiceContext, retention: timedelta, batch: Sequence[Incoming]) -> None:
    """Index a batch in one transaction; raise ValueError for an invalid message.

    An event's own timestamp is ignored if it is older than `retention`.
    """
    events = [decode(ErrorEventReceived, item) for item in batch]
    await index_events(context, [occurrence_of(event, retention) for event in events])
