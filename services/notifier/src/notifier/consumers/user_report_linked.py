"""Reads `user-report.linked`."""

from collections.abc import Sequence

from hearback_contracts.notices import UserReportLinked
from hearback_fleet.messages import decode
from hearback_kit.bus import Incoming

from notifier.service.address_notices import Context
from notifier.service.notify_followers import notify_followers


async def handle_user_report_linked(context: Context, messages: Sequence[Incoming]) -> bool:
    """Handle a batch in one transaction; return whether a delivery may be due."""
    return await notify_followers(context, [decode(UserReportLinked, message) for message in messages])
