"""Connections beyond the limit: a probe hears that the process is alive, all others that there are too many.

A process that does not answer its liveness probe is restarted, which would throw out all clients that have a
connection, and help none.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from hearback_kit.http_server.refusals import ALIVE, TOO_MANY_CONNECTIONS

SPARES_MAX: Final = 16
SPARE_SECONDS_MAX: Final = 2.0
_PROBE: Final = b"GET /healthz "


class Spares:
    """A server's connections beyond the limit that are heard; `count` counts each."""

    def __init__(self, count: Callable[[], None]) -> None:
        self._used = 0
        self._count = count

    def hear(self, protocol: asyncio.Protocol, transport: asyncio.Transport) -> bool:
        """Hear a connection in place of its protocol; return False if it cannot be, or too many are heard."""
        if self._used >= SPARES_MAX:
            return False

        def ended(exc: Exception | None) -> None:
            self._used -= 1
            protocol.connection_lost(exc)

        heard = SpareConnection(transport, ended)
        try:
            transport.set_protocol(heard)
        except NotImplementedError:  # what was handed over has begun with a request that is no probe
            return False
        heard.wait()
        self._used += 1
        self._count()
        return True


class SpareConnection(asyncio.Protocol):
    """Answers the first words of a client and closes; `ended` is called once the connection is lost."""

    def __init__(self, transport: asyncio.Transport, ended: Callable[[Exception | None], None]) -> None:
        self._transport = transport
        self._ended = ended
        self._words = b""
        self._timer: asyncio.TimerHandle | None = None

    def wait(self) -> None:
        """Answer a client that says nothing, too."""
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(SPARE_SECONDS_MAX, self._answer, TOO_MANY_CONNECTIONS)

    def data_received(self, data: bytes) -> None:
        """Answer once it is clear whether a probe asks."""
        self._words += data[: len(_PROBE) - len(self._words)]
        if self._words == _PROBE:
            self._answer(ALIVE)
        elif not _PROBE.startswith(self._words):
            self._answer(TOO_MANY_CONNECTIONS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Clean up."""
        if self._timer is not None:
            self._timer.cancel()
        self._ended(exc)

    def _answer(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)
            self._transport.close()
