"""Reads `alert.changed`."""

from collections.abc import Sequence

from hearback_contracts.notices import AlertChanged
from hearback_fleet.messages import decode
from hearback_kit.bus import Incoming

from notifier.service.address_notices import Context
from notifier.service.notify_followers import notify_alerts


async def handle_alert_changed(context: Context, messages: Sequence[Incoming]) -> bool:
    """Handle a batch in one transaction; return whether a delivery may be due."""
    return await notify_alerts(context, [decode(AlertChanged, message) for message in messages])
