"""Stream bounds: backpressure for writers when readers fall behind."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from prometheus_client import Gauge

from hearback_kit.background import Heartbeat, pause
from hearback_kit.bus.redis_streams import RedisStreams
from hearback_kit.bus.transactions import LengthsMissing
from hearback_kit.errors import Unavailable

IDLE_SECONDS_MAX: Final = 5.0
_ROOM_INTERVALS: Final = 4
FULL = Gauge("hearback_stream_full", "1 for a stream at its bound, whose messages are refused.", ["stream"])


class StreamBounds(Heartbeat):
    """Polls the backlog of streams, so that checks need no I/O.

    Polls are `interval_seconds` apart, or four times that while all streams are less than half full, or
    IDLE_SECONDS_MAX while no writer asks and no stream is full. Bounds may be exceeded by what arrives between
    polls.
    """

    def __init__(
        self,
        bus: RedisStreams,
        entries_max: Mapping[str, int],
        *,
        interval_seconds: float = 0.25,
    ) -> None:
        super().__init__()
        self._bus = bus
        self._entries_max = dict(entries_max)
        self._interval_seconds = interval_seconds
        self._full: frozenset[str] = frozenset()
        self._has_room = False  # every stream was less than half full at the last look
        self._asked = asyncio.Event()  # by a writer, since the last look

    @property
    def any_full(self) -> bool:
        """Whether any stream is full; if not, writers need not check each."""
        self._ask()
        return bool(self._full)

    def is_full(self, key: str) -> bool:
        """Return whether the stream had reached its bound at the last poll."""
        self._ask()
        return key in self._full

    def _ask(self) -> None:
        if not self._asked.is_set():
            self._asked.set()

    async def look(self) -> None:
        """Read the backlog of every stream; raise Unavailable if some are unknown, after storing the others."""
        try:
            self._note(await self._bus.backlog(list(self._entries_max)))
        except LengthsMissing as missing:
            self._note(missing.found)
            raise

    def _note(self, lengths: Mapping[str, int]) -> None:
        full = frozenset(key for key, length in lengths.items() if length >= self._entries_max[key])
        full |= self._full.difference(lengths)
        for key in full ^ self._full:
            FULL.labels(key).set(key in full)
        self._full = full
        self._has_room = all(2 * length < self._entries_max[key] for key, length in lengths.items())

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until `stop` is set."""
        while not stop.is_set():
            self.beat()
            self._asked.clear()
            with suppress(Unavailable):  # writing fails by itself while the server is away
                await self.look()
            await pause(self._interval_seconds * (_ROOM_INTERVALS if self._has_room else 1), stop)
            if not self._full:
                await pause(IDLE_SECONDS_MAX, stop, self._asked)
