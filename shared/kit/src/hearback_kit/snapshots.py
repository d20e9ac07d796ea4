"""Snapshots: small JSON values that one service publishes and all others keep a copy of.

The writer sets values and appends the changed names to a capped stream, in one transaction. Readers
load a value when first asked, keep it, and follow the stream; after a gap they forget everything
they cannot be sure of, but serve the last known copy while the server is away. A stream is used instead
of pub/sub because a reader that was cut off can tell what it missed.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final

from redis.asyncio import Redis

from hearback_kit.errors import Unavailable
from hearback_kit.logs import get_logger
from hearback_kit.valkey import OUTAGES

PREFIX: Final = "hearback:snapshot:"
CHANGES: Final = "hearback:snapshot-changes"
_CHANGES_KEPT: Final = 10_000

_log = get_logger(__name__)


class SnapshotStore:
    """The writer's side."""

    def __init__(self, client: Redis) -> None:
        self._client: Any = client

    async def publish(self, values: Mapping[str, bytes | None]) -> None:
        """Set (or with None remove) values and announce the change; all or nothing."""
        if not values:
            return
        try:
            async with self._client.pipeline(transaction=True) as pipe:
                for name, value in values.items():
                    if value is None:
                        pipe.delete(PREFIX + name)
                    else:
                        pipe.set(PREFIX + name, value)
                pipe.xadd(CHANGES, {"names": "\n".join(values)}, maxlen=_CHANGES_KEPT, approximate=True)
                await pipe.execute()
        except OUTAGES as error:
            raise Unavailable("the configuration cannot be published") from error

    async def get(self, name: str) -> bytes | None:
        """The value as it stands on the server."""
        try:
            value: bytes | None = await self._client.get(PREFIX + name)
        except OUTAGES as error:
            raise Unavailable("the configuration cannot be read") from error
        return value


class SnapshotCache:
    """The reader's side: parsed values in memory, at most `entries_max` of them, absent ones included.

    `waiting` is a client for reads that block.
    """

    def __init__(
        self,
        client: Redis,
        waiting: Redis,
        parse: Callable[[str, bytes], Any],
        *,
        entries_max: int = 50_000,
        block_ms: int = 1_000,
    ) -> None:
        self._client: Any = client
        self._waiting: Any = waiting
        self._parse = parse
        self._entries_max = entries_max
        self._block_ms = block_ms
        self._entries: OrderedDict[str, Any] = OrderedDict()
        self._stale: set[str] = set()
        self._loads: dict[str, asyncio.Task[Any]] = {}
        self._last: str | None = None

    def peek(self, name: str, missing: Any = None) -> Any:
        """The kept value if it is known to be current, else `missing` (a known absent value is None)."""
        if name in self._stale:
            return missing
        return self._entries.get(name, missing)

    async def load(self, name: str) -> Any:
        """The value, or None when there is none.

        While the server is away the last known value is returned; raises Unavailable when there is none.
        """
        if name in self._entries and name not in self._stale:
            return self._entries[name]
        task = self._loads.get(name)
        if task is None:
            task = asyncio.ensure_future(self._fetch(name))
            self._loads[name] = task
            task.add_done_callback(lambda _: self._loads.pop(name, None))
        return await asyncio.shield(task)

    async def _fetch(self, name: str) -> Any:
        self._stale.discard(name)
        try:
            raw = await self._client.get(PREFIX + name)
        except OUTAGES as error:
            if name in self._entries:
                self._stale.add(name)
                return self._entries[name]
            raise Unavailable("the configuration cannot be read") from error
        value = None if raw is None else self._parse(name, raw)
        self._entries[name] = value
        self._entries.move_to_end(name)
        while len(self._entries) > self._entries_max:
            dropped, _ = self._entries.popitem(last=False)
            self._stale.discard(dropped)
        return value

    def _forget(self, names: list[str]) -> None:
        self._stale.update(name for name in names if name in self._entries or name in self._loads)

    async def follow(self, stop: asyncio.Event) -> None:
        """Keep the copies current until `stop` is set."""
        while not stop.is_set():
            try:
                await self._follow_once()
            except OUTAGES as error:
                _log.warning("snapshots_wait", reason=str(error))
                self._last = None  # what changed meanwhile is unknown
                try:
                    async with asyncio.timeout(0.5):
                        await stop.wait()
                except TimeoutError:
                    continue

    async def _follow_once(self) -> None:
        if self._last is None:
            newest = await self._client.xrevrange(CHANGES, count=1)
            self._last = newest[0][0].decode() if newest else "0-0"
            self._forget(list(self._entries))
        answer = await self._waiting.xread({CHANGES: self._last}, block=self._block_ms, count=1_000)
        for _, entries in answer or []:
            for entry_id, fields in entries:
                self._last = entry_id.decode()
                self._forget(fields[b"names"].decode().split("\n"))
