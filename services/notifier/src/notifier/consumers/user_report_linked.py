"""Reads `user-report.linked`."""

from collections.abc import Sequence

from hearback_contracts.notices import UserReportLinked
from hearback_fleet.messages import decode
from hearback_kit.bus import Incoming

from notifier.service.address_notices import Context
from notifier.service.notify_followers import notify_followers


class UserReportLinkedHandler:
    """Handles batches of the stream."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __call__(self, messages: Sequence[Incoming]) -> bool:
        """Handle a batch in one transaction; return whether a delivery may be due."""
        return await notify_followers(self._context, [decode(UserReportLinked, message) for message in messages])
