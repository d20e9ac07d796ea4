"""A file with the last known snapshots, for a process that starts while the server is down.

It holds the snapshots that this and earlier processes used. It is replaced atomically, and only while the cache is
known to be current, so it never goes back in time.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import orjson

from hearback_kit.background import Heartbeat, pause
from hearback_kit.errors import Unavailable
from hearback_kit.files import replace_file
from hearback_kit.logs import get_logger
from hearback_kit.snapshots import SnapshotCache

INTERVAL_SECONDS: Final = 5.0
BYTES_MAX: Final = 64 * 1024 * 1024
_SHARE: Final = 50  # a fleet with very many projects writes less often: at most 2 % of the time

_log = get_logger(__name__)


class SnapshotFile(Heartbeat):
    """Keeps the snapshots with name `prefixes` in a file of at most `bytes_max` bytes.

    `dump` is the inverse of the cache's `parse`. The constructor loads an existing file into the cache.
    """

    def __init__(
        self,
        cache: SnapshotCache,
        path: Path,
        dump: Callable[[Any], bytes],
        *,
        prefixes: Sequence[str],
        bytes_max: int = BYTES_MAX,
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        super().__init__()
        self._cache = cache
        self._path = path
        self._dump = dump
        self._prefixes = tuple(prefixes)
        self._bytes_max = bytes_max
        self._interval_seconds = interval_seconds
        self._written_generation: int | None = None
        self._cache.restore(self._read())

    def _read(self) -> dict[str, bytes]:
        """Return the file's content; empty if it cannot be read."""
        try:
            if self._path.stat().st_size > 2 * self._bytes_max:
                raise ValueError("too large")
            content = orjson.loads(self._path.read_bytes())
            return {str(name): str(value).encode() for name, value in content.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, AttributeError) as error:
            _log.warning("snapshot_file_unreadable", file=str(self._path), error=type(error).__name__)
            return {}

    async def run(self, stop: asyncio.Event) -> None:
        """Write changes periodically until `stop` is set."""
        while not stop.is_set():
            self.beat()
            began = time.monotonic()
            with suppress(Unavailable):  # then the file stays as it is
                await self.save()
            took = time.monotonic() - began
            await pause(max(self._interval_seconds, _SHARE * took), stop)

    async def save(self) -> None:
        """Write the cached snapshots if any changed. Raise Unavailable if they may not be current."""
        if self._cache.generation == self._written_generation:
            return
        entries = await self._cache.current(self._prefixes)
        generation = self._cache.generation
        try:
            await asyncio.get_running_loop().run_in_executor(None, self._write, entries)
        except OSError as error:
            _log.warning("snapshot_file_not_written", file=str(self._path), error=type(error).__name__)
            return
        self._written_generation = generation

    def _write(self, entries: dict[str, Any]) -> None:
        """Replace the file; if there are too many snapshots, keep the most recently used."""
        kept: dict[str, str] = {}
        size = 0
        for name, value in reversed(entries.items()):
            text = self._dump(value).decode()
            size += len(name) + len(text)
            if size > self._bytes_max:
                _log.warning("snapshot_file_full", kept=len(kept), of=len(entries))
                break
            kept[name] = text
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(self._path, orjson.dumps(kept))
