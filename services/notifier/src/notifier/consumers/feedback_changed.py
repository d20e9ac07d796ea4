"""Reads `feedback.changed`."""

from collections.abc import Sequence

from hearback_contracts.notices import FeedbackChanged
from hearback_fleet.messages import data_of
from hearback_kit.bus import Incoming

from notifier.domain.feedback import read_changed
from notifier.service.address_notices import Context
from notifier.service.release_held import release_held


async def handle_feedback_changed(context: Context, messages: Sequence[Incoming]) -> bool:
    """Handle a batch in one transaction; return whether a delivery is due."""
    read = [read_changed(data_of(FeedbackChanged, message)) for message in messages]
    return await release_held(context, read)
