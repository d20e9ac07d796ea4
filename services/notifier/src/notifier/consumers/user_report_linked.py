"""Reads `user-report.linked`."""

from collections.abc import Sequence

from hearback_contracts.notices import UserReportLinked
from hearback_fleet.messages import decode
from hearback_kit.bus import Incoming

from notifier.service.address_notices import Context
from notifier.service.notify_members import notify_members


async def handle_user_report_linked(context: Context, messages: Sequence[Incoming]) -> bool:
    """Handle a batch; return whether a delivery is due."""
    return await notify_members(context, [decode(UserReportLinked, message) for message in messages])
