"""Reads `feedback.created`."""

from collections.abc import Sequence

from hearback_contracts.notices import FeedbackCreated
from hearback_fleet.messages import decode
from hearback_kit.bus import Incoming

from notifier.service.address_notices import Context
from notifier.service.decide_feedback import decide_feedback


class FeedbackCreatedHandler:
    """Handles batches of the stream."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, messages: Sequence[Incoming]) -> bool:
        """Handle a batch in one transaction; return whether a delivery may be due."""
        return await decide_feedback(self._context, [decode(FeedbackCreated, message) for message in messages])
