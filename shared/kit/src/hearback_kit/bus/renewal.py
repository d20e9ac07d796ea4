"""Renewing: the server is kept informed of what a consumer still works on."""

import asyncio

from hearback_kit.bus.in_flight import InFlight, name_of
from hearback_kit.bus.protocol import Bus
from hearback_kit.logs import get_logger

_log = get_logger(__name__)


async def keep_renewing(bus: Bus, in_flight: InFlight, group: str, name: str, *, seconds: float) -> None:
    """Renew every `seconds` what is in flight, until cancelled; forget what another consumer took over.

    A renewal that fails costs at most a second delivery, so it is logged and tried again.
    """
    while True:
        await asyncio.sleep(seconds)
        renewed = in_flight.messages()
        if not renewed:
            continue
        try:
            kept = {name_of(message) for message in await bus.renew(group, name, renewed)}
        except Exception as error:
            _log.warning("renewal_failed", group=group, error=type(error).__name__)
            continue
        in_flight.drop([message for message in renewed if name_of(message) not in kept])
