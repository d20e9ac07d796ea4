"""Snapshots: small JSON values that one service publishes and all others cache.

The writer sets values and appends the changed names to a capped stream, in one transaction (on a cluster one after
the other, as the names are in different slots). Readers load a value on first use, cache it, and follow the
stream. After a gap they drop everything that may be outdated, but serve the last known copy while the server is
down. A stream is used instead of pub/sub because a reader can resume it after a disconnect.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

from redis.asyncio import Redis

from hearback_kit.background import Heartbeat, pause
from hearback_kit.errors import Unavailable
from hearback_kit.logs import get_logger
from hearback_kit.shared_calls import SharedCalls
from hearback_kit.stopping import unless_stopped
from hearback_kit.valkey import BLOCK_MS_MAX, is_cluster, outage_as_unavailable

PREFIX: Final = "hearback:snapshot:"
CHANGES: Final = "hearback:snapshot-changes"
_CHANGES_KEPT: Final = 10_000
_CHANGES_READ: Final = 1_000
_VALUES_READ: Final = 200
_NO_CHANGES: Final = "0-0"
_UNKNOWN: Final = object()

_log = get_logger(__name__)


class SnapshotStore:
    """The writer's side."""

    def __init__(self, client: Redis) -> None:
        self._client: Any = client

    async def publish(self, values: Mapping[str, bytes | None]) -> None:
        """Set (or with None delete) values and announce the change, atomically.

        On a cluster some may be set without an announcement when it raises; the writer retries all.
        """
        if not values:
            return
        apart = is_cluster(self._client)
        with outage_as_unavailable("the configuration cannot be published"):
            async with self._client.pipeline(transaction=not apart) as pipe:
                for name, value in values.items():
                    if value is None:
                        pipe.delete(PREFIX + name)
                    else:
                        pipe.set(PREFIX + name, value)
                if apart:
                    await pipe.execute()
                pipe.xadd(CHANGES, {"names": "\n".join(values)}, maxlen=_CHANGES_KEPT, approximate=True)
                await pipe.execute()

    async def get(self, name: str) -> bytes | None:
        """Return the value from the server."""
        with outage_as_unavailable("the configuration cannot be read"):
            value: bytes | None = await self._client.get(PREFIX + name)
        return value

    async def history(self) -> str:
        """Return an id of the server's data history, which changes with a restart or failover."""
        with outage_as_unavailable("the configuration cannot be read"):
            if is_cluster(self._client):
                found = await self._client.info("replication", target_nodes=self._client.PRIMARIES)
                return " ".join(sorted(str(one.get("master_replid")) for one in found.values()))
            replication: dict[str, Any] = await self._client.info("replication")
        return str(replication.get("master_replid"))


class SnapshotCache(Heartbeat):
    """The reader's side: caches at most `entries_max` parsed values, and as many absent names.

    Absent names are cached separately, so that made-up names cannot evict values. `waiting` is a client for
    blocking reads.
    """

    def __init__(
        self,
        client: Redis,
        waiting: Redis,
        parse: Callable[[str, bytes], Any],
        *,
        entries_max: int = 50_000,
        block_ms: int = BLOCK_MS_MAX,
    ) -> None:
        super().__init__()
        self._client: Any = client
        self._waiting: Any = waiting
        self._parse = parse
        self._entries_max = entries_max
        self._block_ms = block_ms
        self._entries: OrderedDict[str, Any] = OrderedDict()
        self._absent: OrderedDict[str, None] = OrderedDict()
        self._stale: set[str] = set()
        self._restored: set[str] = set()  # names of entries from an earlier process
        self._loads: SharedCalls[str, Any] = SharedCalls()
        self._last: str | None = None
        self.generation = 0
        """Changes whenever a value that `peek` returned may be outdated."""

    def restore(self, values: Mapping[str, bytes]) -> None:
        """Add copies from an earlier process, which are used once the server is known to be down."""
        for name, raw in values.items():
            if len(self._entries) >= self._entries_max:
                return
            if name in self._entries or name in self._absent:
                continue
            with suppress(Unavailable):  # of a release that we do not understand
                self._entries[name] = self._parsed(name, raw)
                self._stale.add(name)
                self._restored.add(name)

    async def current(self, prefixes: tuple[str, ...]) -> dict[str, Any]:
        """Return the cached values with name prefixes, most recently used last, after refreshing outdated ones.

        Raise Unavailable if changes are not followed, or the server has no data.
        """
        old = [name for name in self._entries if name in self._stale and name.startswith(prefixes)]
        for first in range(0, len(old), _VALUES_READ):
            await self._read_again(old[first : first + _VALUES_READ])
        if not self._is_following:
            raise Unavailable("the configuration is not followed")
        return {
            name: value
            for name, value in self._entries.items()
            if name.startswith(prefixes) and name not in self._stale
        }

    async def _read_again(self, names: Sequence[str]) -> None:
        """Refresh cached values from the server, unless it has no configuration."""
        if not self._is_following:
            raise Unavailable("the configuration is not followed")
        self._stale.difference_update(names)
        try:
            with outage_as_unavailable("the configuration cannot be read"):
                found = await self._get_all([PREFIX + name for name in names])
        except Unavailable:
            self._stale.update(name for name in names if name in self._entries)
            raise
        for name, raw in zip(names, found, strict=True):
            if name not in self._entries:
                continue
            try:
                self._keep(name, None if raw is None else self._parsed(name, raw), is_used=False)
            except Unavailable:
                self._stale.add(name)

    async def _get_all(self, keys: list[str]) -> Sequence[bytes | None]:
        async with self._client.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.get(key)
            found: Sequence[bytes | None] = await pipe.execute()
        return found

    @property
    def _is_following(self) -> bool:
        """Return whether changes are followed, of a server that has data."""
        return self._last not in {None, _NO_CHANGES}

    def peek(self, name: str, missing: Any = None) -> Any:
        """Return the cached value if it is current, else `missing` (None is a known absent value)."""
        if name in self._stale:
            return missing
        if name in self._entries:
            return self._entries[name]
        return None if name in self._absent else missing

    async def load(self, name: str) -> Any:
        """Return the value, or None if it does not exist.

        While the server is down, return the last known value, or raise Unavailable.
        """
        known = self.peek(name, _UNKNOWN)
        if known is not _UNKNOWN:
            return known
        return await self._loads.result(name, partial(self._fetch, name))

    async def _fetch(self, name: str) -> Any:
        self._stale.discard(name)
        was_restored = name in self._restored
        try:
            with outage_as_unavailable("the configuration cannot be read"):
                raw = await self._client.get(PREFIX + name)
            if raw is None and was_restored and not self._is_following:
                if name in self._restored:
                    raise Unavailable("the server has no configuration yet")
                return self._entries.get(name)  # it was found meanwhile that the server has nothing better
            value = None if raw is None else self._parsed(name, raw)
        except Unavailable:
            if name in self._entries:
                self._stale.add(name)
                self.generation += 1
                return self._entries[name]
            raise
        self._keep(name, value)
        return value

    def _parsed(self, name: str, raw: bytes) -> Any:
        try:
            return self._parse(name, raw)
        except Exception as error:  # written by a release that we do not understand: the last copy is better
            _log.error("snapshot_unreadable", name=name, error=type(error).__name__)
            raise Unavailable("the configuration cannot be understood") from error

    def _keep(self, name: str, value: Any, *, is_used: bool = True) -> None:
        if value is not None or name in self._entries:  # made-up names change nothing
            self.generation += 1
        kept, other = (self._absent, self._entries) if value is None else (self._entries, self._absent)
        other.pop(name, None)
        kept[name] = value
        self._restored.discard(name)
        if is_used:
            kept.move_to_end(name)
        while len(kept) > self._entries_max:
            dropped, _ = kept.popitem(last=False)
            self._stale.discard(dropped)
            self._restored.discard(dropped)

    def _forget(self, names: Iterable[str]) -> None:
        for name in names:
            self._absent.pop(name, None)
            self._restored.discard(name)
            if name in self._entries or name in self._loads:
                self._stale.add(name)
                self.generation += 1

    def _forget_all(self) -> None:
        self._absent.clear()
        self.generation += 1
        self._stale.update(self._entries, self._loads)

    def _trust_restored(self) -> None:
        """Use the copies of an earlier process, as the server has no data now."""
        if self._restored:
            self._stale -= self._restored
            self._restored.clear()
            self.generation += 1

    async def follow(self, stop: asyncio.Event) -> None:
        """Keep the cache current until `stop` is set."""
        while not stop.is_set():
            self.beat()
            try:
                with outage_as_unavailable("the configuration cannot be followed"):
                    await self._follow_once(stop)
            except Exception as error:
                self._last = None  # changes in the meantime are unknown
                self._trust_restored()
                if not isinstance(error, Unavailable):
                    raise
                _log.warning("snapshots_wait", reason=type(error.__cause__).__name__)
                await pause(0.5, stop)

    async def _follow_once(self, stop: asyncio.Event) -> None:
        if self._last is None:
            newest = await self._client.xrevrange(CHANGES, count=1)
            self._last = newest[0][0].decode() if newest else _NO_CHANGES
            # A server without any change has lost its data: cached copies are better until the next one.
            self._absent.clear()
            if newest:
                self._forget_all()
            else:
                self._trust_restored()
        answer = await unless_stopped(
            self._waiting.xread({CHANGES: self._last}, block=self._block_ms, count=_CHANGES_READ), stop
        )
        for _, entries in answer or []:
            for entry_id, fields in entries:
                self._last = entry_id.decode()
                self._forget(fields[b"names"].decode().split("\n"))
            if len(entries) == _CHANGES_READ:
                self._last = None  # so far behind that changes may have been cut off
