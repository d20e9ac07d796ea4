"""Group commit: messages of concurrent requests are published in one transaction.

A batch is one MULTI/EXEC, which shares the server's fsync (`appendfsync always`), while the next batch collects.
Under load batches also linger, since each costs system calls on both sides, and a message for readers of notes.
Notes are small facts, such as counts, that `summarize` turns into messages of the same transaction, so that a
request's messages and notes are durable together.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

import hiredis
from prometheus_client import Counter, Histogram

from hearback_kit.bus.commit_linger import CommitLinger
from hearback_kit.bus.messages import Outgoing
from hearback_kit.bus.outage_spool import OutageSpool
from hearback_kit.bus.xadds import add_all
from hearback_kit.errors import Unavailable
from hearback_kit.logs import get_logger
from hearback_kit.resp import Wire
from hearback_kit.resp_cluster import RespCluster
from hearback_kit.resp_link import NotSent

_log = get_logger(__name__)
COMMITS = Counter("hearback_group_commits", "Transactions sent to the stream server.")
COMMIT_REQUESTS = Histogram(
    "hearback_group_commit_requests",
    "Requests that shared a transaction.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128),
)
COMMIT_FAILURES = Counter("hearback_group_commit_failures", "Transactions that did not succeed.")

Note = TypeVar("Note")
Done = Callable[[Unavailable | None], None]


class GroupCommit(Generic[Note]):
    """Publishes messages of concurrent requests in batches.

    If requests are frequent, batches begin `gather_seconds` apart, or sooner if `gather_max` requests wait
    (`CommitLinger`). At most `requests_max` requests wait; others fail with Unavailable. A transaction has the
    messages of at most `batch_max` requests and `bytes_max` bytes, unless a single request has more. Messages are
    published even if their request is cancelled. During outages of the server, a `spool` stores them on disk.
    """

    def __init__(
        self,
        connection: Wire,
        summarize: Callable[[list[Note]], Sequence[Outgoing]],
        *,
        requests_max: int = 4_096,
        batch_max: int = 256,
        in_flight_max: int = 1,
        bytes_max: int = 16 * 1024 * 1024,
        spool: OutageSpool | None = None,
        gather_seconds: float = 0.0,
        gather_max: int = 16,
    ) -> None:
        self._connection = connection
        self._spool = spool
        self._summarize = summarize
        self._requests_max = requests_max
        self._batch_max = batch_max
        self._in_flight_max = in_flight_max
        self._bytes_max = bytes_max
        self._linger = CommitLinger(gather_seconds, gather_max)
        self._gather_max = gather_max
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: list[tuple[Sequence[Outgoing], Sequence[Note], Done]] = []
        self._in_flight = 0
        self._scheduled = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def commit(self, messages: Sequence[Outgoing], notes: Sequence[Note] = ()) -> None:
        """Publish messages and notes; return once they are durable.

        Raises NotSent if certainly nothing was published, another Unavailable if that is unknown.
        """
        future: asyncio.Future[None] = self._running_loop().create_future()
        self.submit(messages, notes, partial(_resolve, future))
        await future

    def submit(self, messages: Sequence[Outgoing], notes: Sequence[Note], done: Done) -> None:
        """Publish messages and notes; call `done` once they are durable, or with the error as in `commit`.

        Raises NotSent, without calling it, if too many requests wait.
        """
        if len(self._waiting) >= self._requests_max:
            raise NotSent("too many requests wait for the stream server")
        self._waiting.append((messages, notes, done))
        if self._in_flight < self._in_flight_max:
            self._schedule()

    def _schedule(self) -> None:
        """Schedule a batch: immediately, or after its linger."""
        if self._scheduled and (self._timer is None or len(self._waiting) < self._gather_max):
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._scheduled = True
        wait = self._wait()
        if wait <= 0:
            self._running_loop().call_soon(self._start)
        else:
            self._timer = self._running_loop().call_later(wait, self._start)

    def rest(self, read_at: float, now: float) -> float:
        """Return how many seconds a server that read requests at `read_at` may sleep while a batch lingers."""
        return self._linger.rest(read_at, now) if self._linger.is_used else 0.0

    def _wait(self) -> float:
        """Return for how many seconds the next batch lingers."""
        if not self._linger.is_used:
            return 0.0
        return self._linger.seconds(self._running_loop().time(), len(self._waiting))

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        loop = self._loop
        if loop is None:  # asking for it is a system call each time
            loop = self._loop = asyncio.get_running_loop()
        return loop

    def _start(self) -> None:
        self._scheduled, self._timer = False, None
        while self._waiting and self._in_flight < self._in_flight_max:
            batch = self._waiting[: self._batch_length()]
            del self._waiting[: len(batch)]
            if self._linger.is_used:
                self._linger.begin(self._running_loop().time(), len(batch))
            self._in_flight += 1
            task = self._running_loop().create_task(self._send(batch))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _batch_length(self) -> int:
        """Return how many of the waiting requests fit into a transaction; at least 1."""
        size = 0
        for position, (messages, _, _) in enumerate(self._waiting[: self._batch_max]):
            for message in messages:
                size += len(message.data) + len(message.body or b"")
            if size > self._bytes_max:
                return max(1, position)
        return self._batch_max

    async def _send(self, batch: list[Any]) -> None:
        error: BaseException | None = None
        try:
            error = await self._transact(batch)
        except asyncio.CancelledError as cancelled:
            error = cancelled
            raise
        except Exception as problem:
            error = problem
        finally:
            self._in_flight -= 1
            if self._waiting and not self._scheduled and not isinstance(error, asyncio.CancelledError):
                if self._wait() <= 0:
                    self._start()  # first, so that the server works while the answers go out
                else:
                    self._schedule()
            self._settle(batch, error)

    def _settle(self, batch: list[Any], error: BaseException | None) -> None:
        COMMITS.inc()
        COMMIT_REQUESTS.observe(len(batch))
        if error is not None:
            COMMIT_FAILURES.inc()
            detail = str(error) if isinstance(error, (Unavailable, hiredis.HiredisError)) else ""
            _log.warning("group_commit_failed", requests=len(batch), error=type(error).__name__, detail=detail)
        for _, _, done in batch:
            try:
                done(None if error is None else _as_unavailable(error))
            except Exception as problem:  # the others wait, too
                _log.error("group_commit_callback_failed", exc_info=problem)

    async def _transact(self, batch: list[Any]) -> Exception | None:
        messages: list[Outgoing] = []
        notes: list[Note] = []
        for wanted, noted, _ in batch:
            messages += wanted
            notes += noted
        if notes:
            messages += self._summarize(notes)
        if not messages:
            return None
        if self._spool is not None:
            return await self._spool.add(messages)
        return await add_all(self._connection, messages)


def commits_by_shard(
    connection: Wire | RespCluster, shards: int, make: Callable[[Wire], GroupCommit[Note]]
) -> Sequence[GroupCommit[Note]]:
    """Return the commits by shard: one for all shards, or on a cluster one for each.

    So on a cluster, too, a request's messages are one transaction, and wait for one node only. A shard is the hash
    tag of its streams.
    """
    if isinstance(connection, RespCluster):
        return [make(connection.on(f"{{{shard}}}")) for shard in range(shards)]
    return [make(connection)] * shards


def _resolve(future: "asyncio.Future[None]", error: Unavailable | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)


def _as_unavailable(error: BaseException) -> Unavailable:
    kind = NotSent if isinstance(error, NotSent) else Unavailable
    return kind("it could not be made durable; send it again")
