"""An outage spool: during long outages of the stream server, commits are stored on disk and replayed afterwards.

If no commit succeeded for `after_seconds`, the failing one and all that follow are appended to files
(`spool_segments`). The files are replayed in order once the server is reachable; commits that arrive meanwhile are
appended, until no file is left and commits go to the server again. On a cluster, this happens per unreachable
node.

A record has the XADDs of a group commit. A kill during the replay, or a lost response, publishes some records
twice, with the same message ids, as may happen to any message.

Messages that the server refuses permanently, such as for a key that is no stream, would block the replay. These,
but no others of their commit, are moved to separate files, from which an operator can restore them.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

import hiredis
from prometheus_client import Gauge

from hearback_kit.background import Heartbeat, pause
from hearback_kit.bus.bounds import StreamBounds
from hearback_kit.bus.messages import Outgoing
from hearback_kit.bus.spool_segments import Record, SpoolFull, SpoolSegments
from hearback_kit.bus.xadds import add_all, encode_xadd, run_xadds
from hearback_kit.errors import Unavailable
from hearback_kit.logs import get_logger
from hearback_kit.resp import Wire, encode_command
from hearback_kit.resp_cluster import RespCluster
from hearback_kit.resp_link import NotSent

BYTES = Gauge("hearback_spool_bytes", "Bytes that wait on the disk for the stream server.")
BYTES_MAX = Gauge("hearback_spool_bytes_max", "Bytes that may wait on the disk; then commits are refused.")
RECORDS = Gauge("hearback_spool_records", "Commits that wait on the disk for the stream server.")
REFUSED = Gauge("hearback_spool_refused", "Messages that the stream server refuses for good, kept in files.")
OLDEST = Gauge("hearback_spool_oldest_seconds", "Age of the oldest commit on the disk; 0 when none waits.")
INTERVAL_SECONDS: Final = 0.5
IDLE_SECONDS: Final = 20.0  # while nothing goes to the disk: only to show that it does not hang
REFUSED_SECONDS: Final = 30.0
CHUNK_BYTES_MAX: Final = 256 * 1024
TURN_BYTES_MIN: Final = 1024 * 1024
# How errors begin that are about the message itself; all others pass with time or an operator's work.
FOR_GOOD: Final = ("WRONGTYPE", "ERR The stream has exhausted", "ERR The ID specified", "ERR wrong number")

_log = get_logger(__name__)
Result = TypeVar("Result")


class OutageSpool(Heartbeat):
    """Sends group commits to the stream server, or to a folder during outages.

    `now` returns Unix time in seconds. While another process holds the folder's lock, nothing is spooled.
    """

    def __init__(
        self,
        connection: Wire | RespCluster,
        bounds: StreamBounds,
        folder: Path,
        *,
        bytes_max: int,
        after_seconds: float,
        now: Callable[[], float] = time.time,
        interval_seconds: float = INTERVAL_SECONDS,
    ) -> None:
        super().__init__()
        self._connection = connection
        self._bounds = bounds
        self._folder = folder
        self._segments = SpoolSegments(folder, bytes_max=bytes_max)
        self._after_seconds = after_seconds
        self._now = now
        self._interval_seconds = interval_seconds
        # A single thread, so that file operations are serialized even if the awaiting task is cancelled.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="spool")
        self._turn = asyncio.Lock()
        self._taken: set[Wire | RespCluster] = set()  # commits for these go to the disk
        self._away_since: dict[Wire | RespCluster, float] = {}
        self._begun = asyncio.Event()  # set when commits begin to go to the disk
        self._last_failure: str | None = None
        self._chunks: deque[bytes] = deque()  # of the oldest file that are still to be replayed
        self._appended_bytes = 0  # since the replay's last turn
        BYTES_MAX.set(bytes_max)
        OLDEST.set_function(self._oldest_seconds)
        self._opened(self._segments.open())

    @property
    def is_taking(self) -> bool:
        """Whether commits currently go to disk."""
        return bool(self._taken)

    def _opened(self, is_ours: bool) -> None:
        if not is_ours:
            _log.warning("spool_in_use", folder=str(self._folder))
            return
        self._measure()
        if self._segments.waiting_records:
            _log.info("spool_found", records=self._segments.waiting_records, bytes=self._segments.waiting_bytes)
            self._begin(self._connection)

    def _begin(self, wire: Wire | RespCluster) -> None:
        self._taken.add(wire)
        self._begun.set()

    async def add(self, messages: Sequence[Outgoing]) -> Exception | None:
        """Make messages durable, on streams or on disk; otherwise like `xadds.add_all`."""
        if not self._taken or not self._takes(messages):
            error = await self._add_directly(messages)
            if error is None:
                if self._away_since:
                    self._away_since.pop(self._wire_of(messages[0].key), None)
                return None
            if not self._begins_with(error, self._wire_of(messages[0].key)):
                return error
        async with self._turn:
            if self._takes(messages):
                return await self._keep(messages)
        return await self._add_directly(messages)  # the replay ended meanwhile

    async def _add_directly(self, messages: Sequence[Outgoing]) -> Exception | None:
        try:
            return await add_all(self._connection, messages)
        except Unavailable as error:
            return error

    def _takes(self, messages: Sequence[Outgoing]) -> bool:
        return self._connection in self._taken or self._wire_of(messages[0].key) in self._taken

    def _wire_of(self, key: str) -> Wire | RespCluster:
        """Return the connection for a stream: the unit that is reachable or not."""
        return self._connection.on(key) if isinstance(self._connection, RespCluster) else self._connection

    def _begins_with(self, error: Exception, wire: Wire | RespCluster) -> bool:
        """Return whether to start spooling after a failed commit."""
        if not isinstance(error, Unavailable) or not self._segments.is_open:
            return False
        now = time.monotonic()
        away_seconds = now - self._away_since.setdefault(wire, now)
        if away_seconds < self._after_seconds:
            return False
        if wire not in self._taken:
            _log.warning("spool_begins", away_seconds=round(away_seconds))
            self._begin(wire)
        return True

    async def _keep(self, messages: Sequence[Outgoing]) -> Exception | None:
        payload = b"".join(part for message in messages for part in encode_xadd(message))
        try:
            await self._in_thread(self._segments.append, payload, int(self._now() * 1000))
        except (SpoolFull, OSError) as error:
            self._last_failure = "full" if isinstance(error, SpoolFull) else str(error)
            return NotSent(f"the spool cannot take it: {self._last_failure}")
        else:
            self._last_failure = None
            self._appended_bytes += len(payload)
            return None
        finally:
            self._measure()

    async def check(self) -> None:
        """Raise Unavailable unless commits can be made durable, on streams or on disk."""
        if not self._taken:
            try:
                await self._connection.ping()
            except Unavailable as error:
                if not self._begins_with(error, self._connection):
                    raise
        if self._taken and self._last_failure is not None:
            raise Unavailable(f"the spool cannot take anything: {self._last_failure}")

    async def run(self, stop: asyncio.Event) -> None:
        """Replay spooled commits as soon as possible, until `stop` is set."""
        while not stop.is_set():
            self.beat()
            self._begun.clear()
            if not self._segments.is_open:
                self._opened(await self._in_thread(self._segments.open))
            seconds = self._interval_seconds
            if self._taken:
                try:
                    await self._replay(stop)
                except Unavailable:
                    pass  # the server is away, or a stream at its bound
                except hiredis.HiredisError as error:
                    _log.error("spool_replay_refused", error=str(error))
                    seconds = REFUSED_SECONDS
            if self._taken or not self._segments.is_open:
                await pause(seconds, stop)
            else:
                await pause(IDLE_SECONDS, stop, self._begun)

    async def _replay(self, stop: asyncio.Event) -> None:
        """Replay until nothing is left, or `stop` is set. Raises Unavailable, or the server's error.

        Commits and the replay alternate, and replay steps have more bytes, so that it catches up.
        """
        await self._bounds.look()  # so that nothing is read from the disk while the server is away
        while self._taken and not stop.is_set():
            async with self._turn:
                bytes_left = TURN_BYTES_MIN + 2 * self._appended_bytes
                self._appended_bytes = 0
                while self._segments.waiting_records and bytes_left > 0:
                    bytes_left -= await self._replay_next()
                if not self._segments.waiting_records:
                    _log.info("spool_ends")
                    self._taken.clear()
            self._measure()

    async def _replay_next(self) -> int:
        """Replay the oldest commits and return their bytes; remove completely replayed files."""
        self.beat()
        if not self._chunks:
            self._chunks.extend(_chunks(await self._in_thread(self._segments.read_oldest)))
        chunk = self._chunks[0]
        await self._replay_chunk(chunk)
        self._chunks.popleft()
        if not self._chunks:
            await self._in_thread(self._segments.drop_oldest)
        return len(chunk)

    async def _replay_chunk(self, chunk: bytes) -> None:
        commands, keys = _commands_of(chunk)
        await self._bounds.look()
        full = next((key for key in keys if self._bounds.is_full(key)), None)
        if full is not None:
            raise Unavailable(f"{full} is at its bound")
        errors = await run_xadds(self._connection, commands, keys)
        self._away_since.clear()
        refused = {place: error for place, error in enumerate(errors) if error is not None}
        for error in refused.values():
            if not str(error).startswith(FOR_GOOD):
                raise error
        if refused:
            await self._set_aside([commands[place] for place in refused])
            for place, error in refused.items():
                _log.error("spool_set_aside", stream=keys[place], error=str(error))

    async def _set_aside(self, commands: Sequence[bytes]) -> None:
        try:
            await self._in_thread(self._segments.set_aside, commands, int(self._now() * 1000))
        except (SpoolFull, OSError) as error:
            raise Unavailable("what the server refuses cannot be set aside") from error

    def _measure(self) -> None:
        REFUSED.set(self._segments.refused_records)
        BYTES.set(self._segments.waiting_bytes)
        RECORDS.set(self._segments.waiting_records)

    def _oldest_seconds(self) -> float:
        oldest = self._segments.oldest_ms
        return 0.0 if oldest is None else max(0.0, self._now() - oldest / 1000)

    async def _in_thread(self, function: Callable[..., Result], *arguments: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)

    async def close(self) -> None:
        """Release the folder, with its files, for the next process."""
        await self._in_thread(self._segments.close)
        self._thread.shutdown()


def _chunks(records: Sequence[Record]) -> Iterator[bytes]:
    """Join the payloads of records into chunks of limited size."""
    gathered: list[bytes] = []
    size = 0
    for record in records:
        if gathered and size + len(record.payload) > CHUNK_BYTES_MAX:
            yield b"".join(gathered)
            gathered, size = [], 0
        gathered.append(record.payload)
        size += len(record.payload)
    if gathered:
        yield b"".join(gathered)


def _commands_of(chunk: bytes) -> tuple[list[bytes], list[str]]:
    """Return the encoded XADDs of a chunk, and their streams."""
    reader = hiredis.Reader()
    reader.feed(chunk)
    commands, keys = [], []
    while command := reader.gets():
        commands.append(encode_command(*command))
        keys.append(command[1].decode())
    return commands, keys
