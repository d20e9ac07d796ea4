"""Messages in flight are renewed until the consumer ends, and not longer."""

import asyncio
from typing import Any

from hearback_kit.bus import Incoming
from hearback_kit.bus.in_flight import InFlight, keep_renewing


class SwallowingClient:
    """Returns normally when it is cancelled, as `asyncio.wait_for` of Python 3.11 may."""

    def __init__(self) -> None:
        self.has_begun = asyncio.Event()

    async def renew(self, _group: str, _consumer: str, messages: list[Incoming]) -> list[Incoming]:
        self.has_begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return messages
        raise AssertionError("it was not cancelled")


async def test_it_ends_also_when_the_client_swallows_the_cancellation() -> None:
    client: Any = SwallowingClient()
    in_flight = InFlight()
    in_flight.add([Incoming("s:{0}", "1-0", "thing", "1", b"1")], 0.0)
    renewing = asyncio.create_task(keep_renewing(client, in_flight, "g", "c", seconds=0.01))
    await client.has_begun.wait()
    renewing.cancel()
    await asyncio.wait([renewing], timeout=10)
    assert renewing.done()
