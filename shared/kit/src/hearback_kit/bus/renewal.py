"""Renewing: telling the server again and again what a consumer still works on."""

import asyncio

from hearback_kit.bus.held import Hand, name_of
from hearback_kit.bus.protocol import Bus
from hearback_kit.logs import get_logger

_log = get_logger(__name__)


async def keep_renewing(bus: Bus, hand: Hand, group: str, name: str, *, seconds: float) -> None:
    """Renew every `seconds` what is in hand, until cancelled; let go of what another consumer took over.

    A renewal that fails costs at most a second delivery, so it is logged and tried again.
    """
    while True:
        await asyncio.sleep(seconds)
        asked = hand.messages()
        if not asked:
            continue
        try:
            kept = {name_of(message) for message in await bus.renew(group, name, asked)}
        except Exception as error:
            _log.warning("renewal_failed", group=group, error=type(error).__name__)
            continue
        hand.drop([message for message in asked if name_of(message) not in kept])
