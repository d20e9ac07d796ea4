"""Renews messages in flight, so that no other consumer claims them."""

import asyncio

from hearback_kit.bus.in_flight import InFlight, name_of
from hearback_kit.bus.redis_streams import RedisStreams
from hearback_kit.logs import get_logger
from hearback_kit.outages import is_cancelled

_log = get_logger(__name__)


async def keep_renewing(bus: RedisStreams, in_flight: InFlight, group: str, name: str, *, seconds: float) -> None:
    """Renew messages in flight every `seconds`, until cancelled; drop those that another consumer claimed.

    A failed renewal causes a redelivery at most, so it is only logged.
    """
    while not is_cancelled():  # the client may swallow a cancellation, as `asyncio.wait_for` of Python 3.11 does
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
