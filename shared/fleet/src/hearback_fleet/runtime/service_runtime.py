"""The connections and background tasks of an app or a worker."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import cached_property, partial
from typing import Any, Final, Self, TypeVar

from hearback_contracts.streams import Stream
from hearback_kit.auth import Authenticator
from hearback_kit.background import Part, Runnable, Stage
from hearback_kit.blobs import BlobStore
from hearback_kit.bus import OnDead, RedisStreams
from hearback_kit.bus.bounds import StreamBounds
from hearback_kit.bus.consumer import Handler
from hearback_kit.bus.depths import StreamDepths
from hearback_kit.bus.holding import Holding
from hearback_kit.bus.read_barrier import ReadBarrier
from hearback_kit.clock import Clock, SystemClock
from hearback_kit.common import COMMON, Common, SharedRun
from hearback_kit.db import Database
from hearback_kit.db.statistics import StatisticsKeeper
from hearback_kit.health import Check
from hearback_kit.http import ServiceClient
from hearback_kit.limits import LimitBatches
from hearback_kit.outbox import Outbox, OutboxRelay, OutboxTable, Restore, as_stored
from hearback_kit.resp_cluster import Connections, open_connection
from hearback_kit.settings import ServiceSettings
from hearback_kit.valkey import Valkey, connect
from hearback_kit.worker import Periodic

from hearback_fleet.access import Access, registry_introspection
from hearback_fleet.configuration import Configuration
from hearback_fleet.runtime.consumers import stream_consumers

Thing = TypeVar("Thing")
STATISTICS_SECONDS: Final = 10.0  # between looks at whether tables have outgrown the planner's statistics
DEPTH_SECONDS: Final = 15.0  # between looks at how much waits in the streams that a worker reads


class ServiceRuntime:
    """The connections and background tasks of an app or a worker; use it as a context manager.

    An app and a worker in one process share the database, the bus, the relay and the configuration
    (`hearback_kit.common`). `outbox` is the service's outbox table; of its rows that are read back,
    `restore` makes the messages.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        *,
        clock: Clock | None = None,
        outbox: OutboxTable | None = None,
        restore: Restore = as_stored,
    ) -> None:
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self._outbox_table = outbox
        self._restore = restore
        self._stack = AsyncExitStack()
        self._parts: list[Part] = []
        self._checks: dict[str, Check] = {}
        self._read: dict[str, Sequence[str]] = {}
        self._is_running = False

    async def __aenter__(self) -> Self:
        await self._stack.__aenter__()
        return self

    async def __aexit__(self, *raised: Any) -> bool | None:
        return await self._stack.__aexit__(*raised)

    def started(self) -> Sequence[Part]:
        """Return the background tasks to start; no more can be added."""
        self._is_running = True
        return self.parts

    @property
    def parts(self) -> Sequence[Part]:
        """The background tasks so far."""
        return tuple(self._parts)

    @property
    def checks(self) -> Mapping[str, Check]:
        """Readiness checks, except those of background tasks."""
        return dict(self._checks)

    @property
    def shards(self) -> int:
        """The number of shards of each stream."""
        return self.settings.stream_shards

    def on_close(self, close: Callable[[], Awaitable[object]]) -> None:
        """Call `close` on shutdown, in reverse order of these calls."""
        self._stack.push_async_callback(close)

    def add_check(self, name: str, check: Check) -> None:
        """Add a readiness check."""
        self._checks[name] = check

    def run(self, name: str, runnable: Runnable, stage: Stage = Stage.WORK) -> None:
        """Add a background task, with a readiness check `name`."""
        if self._is_running:
            raise RuntimeError(f"{name} was first used after everything had started; use it in `build`")
        self._parts.append(Part(name, runnable, stage))

    def _common(
        self,
        name: str,
        make: Callable[[], Thing],
        close: Callable[[Thing], Awaitable[object]] | None = None,
    ) -> Thing:
        """Return a resource that the process shares, or a new one if it shares none; close it on shutdown."""
        common = COMMON.get() or Common()
        thing = common.take(name, make)
        self.on_close(partial(common.release, name, close))
        return thing

    @cached_property
    def database(self) -> Database:
        """The service's own database."""
        database = self._common("database", self._open_database, Database.close)
        self.add_check("database", database.ping)
        return database

    def _open_database(self) -> Database:
        size = self.settings.database_pool_size
        return Database(
            self.settings.database_url,
            pool_size=size,
            more_max=0 if COMMON.get() is None else size,
            share_max=self.settings.database_share_max,
        )

    @cached_property
    def configuration(self) -> Configuration:
        """The published projects and organizations, kept current."""
        following = self._common(
            "configuration",
            lambda: SharedRun(Configuration(self._redis_url)),
            lambda shared: shared.runnable.close(),
        )
        self.run("configuration", following, Stage.FOLLOW)
        return following.runnable

    @cached_property
    def registry(self) -> ServiceClient:
        """The registry's internal API."""
        return self.service_client(self.settings.registry_url)

    @cached_property
    def access(self) -> Access:
        """Authorization of callers, by the registry."""
        return Access(self.configuration, Authenticator(registry_introspection(self.registry)))

    @cached_property
    def blobs(self) -> BlobStore:
        """The store of attachments."""
        return BlobStore(self.settings.blob_url)

    @cached_property
    def bus(self) -> RedisStreams:
        """The streams."""
        return self._common(
            "bus",
            lambda: RedisStreams.open(self._redis_url, replicas_min=self.settings.redis_replicas_min),
            RedisStreams.close,
        )

    @cached_property
    def outbox(self) -> Outbox:
        """The transactional outbox."""
        return Outbox(self._table)

    @cached_property
    def relay(self) -> OutboxRelay:
        """The background task that publishes the outbox."""
        database, bus = self.database, self.bus  # opened for each user of the relay
        relay = partial(OutboxRelay, database, self._table, bus, restore=self._restore)
        publishing = self._common("relay", lambda: SharedRun(relay()))
        self.run("outbox", publishing, Stage.RELAY)
        return publishing.runnable

    @cached_property
    def read_barrier(self) -> ReadBarrier:
        """Lets readers wait for consumers of the same process, to read their own writes."""
        return self._common("read_barrier", ReadBarrier)

    def service_client(self, url: str) -> ServiceClient:
        """Return a client of another service's internal API."""
        secret = self.settings.secret_key.get_secret_value()
        client = ServiceClient(url, service=self.settings.service, secret=secret)
        self.on_close(client.close)
        return client

    def valkey(self, *, timeout_seconds: float = 5.0, blocking: bool = False) -> Valkey:
        """Return a client of Valkey; `blocking` for blocking commands."""
        client = connect(self._redis_url, timeout_seconds=timeout_seconds, blocking=blocking)
        self.on_close(client.aclose)
        return client

    def resp_connection(self, *, answer_seconds_max: float = 5.0) -> Connections:
        """Return a pipelined connection to Valkey, or to each primary of a cluster, for hot paths."""
        replicas_min = self.settings.redis_replicas_min
        connection = open_connection(
            self._redis_url, answer_seconds_max=answer_seconds_max, replicas_min=replicas_min
        )
        self._stack.callback(connection.close)
        return connection

    def limits(self, *, answer_seconds_max: float = 1.0, callers_max: int = 4_096) -> LimitBatches:
        """Return the rate limiter, on a separate connection, since its timeout is shorter."""
        connection = self.resp_connection(answer_seconds_max=answer_seconds_max)
        return LimitBatches(connection, self.clock, callers_max=callers_max)

    def require_valkey(self, connection: Connections) -> None:
        """Add a readiness check of Valkey over this connection."""
        self.add_check("valkey", connection.ping)

    def stream_bounds(self, streams: Iterable[Stream], entries_max: int) -> StreamBounds:
        """Watch the backlog of streams; each has its own bound, at most `entries_max`."""
        keys = [(stream, key) for stream in streams for key in stream.shard_keys(self.shards)]
        watching = StreamBounds(self.bus, {key: min(entries_max, one.entries_max) for one, key in keys})
        self.run("stream-bounds", watching, Stage.FOLLOW)
        return watching

    def consume(
        self,
        stream: Stream,
        handler: Handler,
        *,
        batch_max: int,
        on_dead: OnDead | None = None,
        consumers: int = 1,
        read_barrier: ReadBarrier | None = None,
        holding: Holding | None = None,
        requires_valkey: bool = True,
    ) -> None:
        """Handle a stream's messages in batches of `batch_max`, with `consumers` that share its shards.

        With more than one, a helper handles batches of any shard while there is a backlog. `on_dead` returns the
        announcement of a dead letter, if any; with `read_barrier`, readers can wait for the consumers. A single
        consumer holds messages as `holding` says, unless its readers are in another process. Without
        `requires_valkey` the process is ready while its consumers wait for Valkey.
        """
        for consumer in stream_consumers(
            self.bus,
            stream,
            handler,
            self.settings,
            batch_max=batch_max,
            on_dead=on_dead,
            consumers=consumers,
            read_barrier=read_barrier,
            holding=holding,
        ):
            self.run("consumers", consumer)
        if requires_valkey:
            self.add_check("valkey", self.bus.ping)
        if not self._read:
            depths = StreamDepths(self.bus, self._read, lambda: self.clock.now().timestamp())
            self.every("stream-depths", DEPTH_SECONDS, depths.look)
        self._read[stream.name] = stream.shard_keys(self.shards)

    def every(self, name: str, seconds: float, job: Callable[[], Awaitable[object]]) -> Periodic:
        """Run a job now and then every `seconds`; the returned `Periodic` can be woken for an earlier run."""
        periodic = Periodic(name, seconds, job)
        self.run(name, periodic)
        return periodic

    def keep_statistics(self) -> None:
        """Keep the planner's statistics of the database current, if it is used."""
        if "database" in vars(self):
            self.every("statistics", STATISTICS_SECONDS, StatisticsKeeper(self.database).look)

    @property
    def _redis_url(self) -> str:
        return self.settings.redis_url.get_secret_value()

    @property
    def _table(self) -> OutboxTable:
        assert self._outbox_table is not None, f"{self.settings.service} was opened without an outbox"
        return self._outbox_table
