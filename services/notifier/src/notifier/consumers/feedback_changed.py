"""Reads `feedback.changed`."""

from collections.abc import Sequence

from hearback_contracts.notices import FeedbackChanged
from hearback_fleet.messages import decode
from hearback_kit.bus import Incoming

from notifier.service.address_notices import Context
from notifier.service.release_held import release_held


class FeedbackChangedHandler:
    """Handles batches of the stream."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, messages: Sequence[Incoming]) -> bool:
        """Handle a batch in one transaction; return whether a delivery may be due."""
        return await release_held(self._context, [decode(FeedbackChanged, message) for message in messages])
