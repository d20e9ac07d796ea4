"""Reads `feedback.created`."""

from collections.abc import Sequence
from itertools import chain

from hearback_contracts.notices import FeedbackCreated
from hearback_fleet.messages import data_of
from hearback_kit.bus import Incoming

from notifier.domain.feedback import read_created
from notifier.service.address_notices import Context
from notifier.service.decide_feedback import decide_feedback


async def handle_feedback_created(context: Context, messages: Sequence[Incoming]) -> bool:
    """Handle a batch; return whether a delivery is due."""
    read = [read_created(data_of(FeedbackCreated, message), message.version) for message in messages]
    return await decide_feedback(context, list(chain.from_iterable(read)))
