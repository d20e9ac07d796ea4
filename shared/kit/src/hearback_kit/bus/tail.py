"""Follows streams from their end, without a consumer group: for live updates, which may be missed."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from hearback_kit.background import Heartbeat, pause
from hearback_kit.bus.entries import incoming
from hearback_kit.bus.messages import Incoming
from hearback_kit.errors import Unavailable
from hearback_kit.logs import get_logger
from hearback_kit.stopping import unless_stopped
from hearback_kit.valkey import BLOCK_MS_MAX, is_cluster, outage_as_unavailable

ENTRIES_MAX: Final = 500
RETRY_SECONDS: Final = 1.0
IDLE_SECONDS: Final = 10.0  # between signs of life while nothing is wanted
_log = get_logger(__name__)


class StreamTail(Heartbeat):
    """Passes new messages of streams to `on_messages`; one reader per process.

    `waiting` is a client for blocking commands. After an outage it resumes at its position. With `wanted` it reads
    only while that is set, from the current end of the streams.
    """

    def __init__(
        self,
        waiting: Redis,
        keys: Sequence[str],
        on_messages: Callable[[Sequence[Incoming]], None],
        *,
        wanted: asyncio.Event | None = None,
    ) -> None:
        super().__init__()
        self._waiting: Any = waiting
        self._keys = tuple(keys)
        self._on_messages = on_messages
        self._after: dict[str, Any] = {}
        self._wanted = wanted
        self._following = asyncio.Event()
        self._reads: dict[str, asyncio.Task[Any]] = {}  # of a cluster, one for each stream

    @property
    def is_following(self) -> bool:
        """Whether messages published now are received."""
        return self._following.is_set()

    async def following(self, seconds_max: float) -> None:
        """Wait until new messages are received, at most `seconds_max`."""
        await pause(seconds_max, self._following)

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the streams until `stop` is set."""
        while not stop.is_set():
            self.beat()
            if self._wanted is not None and not self._wanted.is_set():
                self._following.clear()
                self._after = {}
                await pause(IDLE_SECONDS, stop, self._wanted)
                continue
            try:
                await unless_stopped(self._step(), stop)
            except Unavailable as error:
                _log.warning("stream_tail_waits", error=str(error))
                await pause(RETRY_SECONDS, stop)
        self._give_up()

    async def _step(self) -> None:
        with outage_as_unavailable():
            if not self._after:
                self._after = {key: await self._end_of(key) for key in self._keys}
            self._following.set()
            if is_cluster(self._waiting):
                answer = await self._read_each()
            else:
                answer = await self._read(self._after)
        messages = []
        for key, entries in answer or []:
            for entry_id, fields in entries:
                self._after[key.decode()] = entry_id
                messages.append(incoming(key.decode(), entry_id, fields))
        if messages:
            self._on_messages(messages)

    async def _read(self, after: Mapping[str, Any]) -> Any:
        return await self._waiting.xread(after, count=ENTRIES_MAX, block=BLOCK_MS_MAX)

    async def _read_each(self) -> list[Any]:
        """Return the messages of the first streams that have any; the other reads continue."""
        for key, entry_id in self._after.items():
            if key not in self._reads:
                self._reads[key] = asyncio.create_task(self._read({key: entry_id}))
        try:
            done, _ = await asyncio.wait(self._reads.values(), return_when=asyncio.FIRST_COMPLETED)
            ended = {key for key, read in self._reads.items() if read in done}
            return [entry for key in ended for entry in self._reads.pop(key).result() or ()]
        except BaseException:
            self._give_up()
            raise

    def _give_up(self) -> None:
        for read in self._reads.values():
            read.cancel()
        self._reads.clear()

    async def _end_of(self, key: str) -> Any:
        """Return the id of the latest entry, so that nothing is missed between reads."""
        try:
            info = await self._waiting.xinfo_stream(key)
        except ResponseError as error:
            if "no such key" in str(error):
                return "0-0"
            raise
        return info["last-generated-id"]
