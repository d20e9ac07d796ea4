"""Create Valkey/Redis clients, and classify their errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, cast

from redis.asyncio import Connection, Redis, RedisCluster, SSLConnection
from redis.asyncio.cluster import ClusterNode
from redis.backoff import NoBackoff
from redis.exceptions import (
    BusyLoadingError,
    ClusterDownError,
    ClusterError,
    ConnectionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    ResponseError,
    SlotNotCoveredError,
    TimeoutError,
    TryAgainError,
)
from redis.retry import Retry

from hearback_kit import outages
from hearback_kit.outages import is_connection_error
from hearback_kit.valkey_address import ClusterAddress, Sentinels, read_address, read_cluster

OUTAGES = (
    ConnectionError,
    TimeoutError,
    BusyLoadingError,
    ReadOnlyError,
    OutOfMemoryError,
    ClusterDownError,
    ClusterError,
    SlotNotCoveredError,
    TryAgainError,
    OSError,
    EOFError,
)
_CLIENT_MODULES: Final = ("redis.",)
Valkey = Redis
BLOCK_MS_MAX: Final = 6_000
# Answers of a server that refuses now and will not for ever; the client has no classes for them.
_PASSING: Final = (
    *("MISCONF", "NOREPLICAS", "BUSY ", "UNKILLABLE", "OOM", "LOADING", "READONLY", "EXECABORT"),
    "UNBLOCKED force",  # a primary became a replica while a command waited there
)


def connect(
    url: str, *, timeout_seconds: float = 5.0, blocking: bool = False, block_ms_max: int = BLOCK_MS_MAX
) -> Redis:
    """Return a client with a pool; for `url` see `valkey_address`.

    `blocking` is for commands that wait (BLOCK of at most `block_ms_max`). Every read has a deadline, so that a
    hanging server is detected; that of a blocking read is after `block_ms_max`. The client of a cluster has the
    same commands, each for keys of one slot only; see `is_cluster`.
    """
    options: dict[str, Any] = {
        "protocol": 2,
        "socket_connect_timeout": timeout_seconds,
        "socket_timeout": timeout_seconds + (block_ms_max / 1_000 if blocking else 0.0),
        "retry": Retry(NoBackoff(), 0 if blocking else 1),
        "health_check_interval": 0,
        "decode_responses": False,
        "driver_info": None,  # for which the files of the installed package are read for each connection
    }
    cluster = read_cluster(url)
    if cluster is not None:
        return cast(Redis, _connect_cluster(cluster, options))
    server_url, sentinels = read_address(url)
    client = Redis.from_url(server_url, **options)
    pool: Any = client.connection_pool
    pool.connection_class = _LEAVING.get(pool.connection_class, pool.connection_class)
    if sentinels is not None:
        pool.connection_class = _FOLLOWING[pool.connection_class]
        pool.connection_kwargs["sentinels"] = sentinels
    return client


def _connect_cluster(address: ClusterAddress, options: dict[str, Any]) -> RedisCluster:
    return RedisCluster(
        startup_nodes=[ClusterNode(host, port) for host, port in address.hosts],
        username=address.username,
        password=address.password,
        ssl=address.is_tls,
        require_full_coverage=False,
        **options,
    )


def is_cluster(client: Redis) -> bool:
    """Return whether a client is one of a cluster."""
    return isinstance(client, RedisCluster)


class _LeavesReplicas:
    """A connection that closes when its server became a replica, since the address may now resolve to another."""

    async def read_response(self, *arguments: Any, **more: Any) -> Any:
        connection: Any = super()
        try:
            return await connection.read_response(*arguments, **more)
        except ResponseError as error:
            if isinstance(error, ReadOnlyError) or str(error).startswith("NOREPLICAS"):
                await connection.disconnect()
            raise


class _LeavingConnection(_LeavesReplicas, Connection):
    pass


class _LeavingSSLConnection(_LeavesReplicas, SSLConnection):
    pass


class _FollowsPrimary:
    """A connection to the primary that Sentinels report."""

    host: str
    port: int

    def __init__(self, *, sentinels: Sentinels, **more: Any) -> None:
        self._sentinels = sentinels
        super().__init__(**more)

    async def _connect(self) -> None:
        connection: Any = super()
        self.host, self.port = await self._sentinels.primary()
        await connection._connect()

    async def on_connect_check_health(self, check_health: bool = True) -> None:
        """Greet the server, and close the connection if it is a replica."""
        connection: Any = super()
        await connection.on_connect_check_health(check_health=check_health)
        this: Any = self
        await this.send_command("ROLE")
        if (await this.read_response())[0] != b"master":
            self._sentinels.doubt()
            raise ConnectionError("the server is not the primary yet")


class _FollowingConnection(_FollowsPrimary, _LeavingConnection):
    pass


class _FollowingSSLConnection(_FollowsPrimary, _LeavingSSLConnection):
    pass


_LEAVING: Final[dict[type, type]] = {Connection: _LeavingConnection, SSLConnection: _LeavingSSLConnection}
_FOLLOWING: Final[dict[type, type]] = {
    _LeavingConnection: _FollowingConnection,
    _LeavingSSLConnection: _FollowingSSLConnection,
}


def is_outage(error: BaseException) -> bool:
    """Return whether an error means that the server is unavailable, not that the command was wrong."""
    if isinstance(error, OUTAGES) or is_connection_error(error, _CLIENT_MODULES):
        return True
    if isinstance(error, RedisClusterException):
        return "cannot be connected" in str(error)
    return isinstance(error, ResponseError) and (
        str(error).startswith(_PASSING) or getattr(error, "status_code", None) == "EXECABORT"
    )


@contextmanager
def outage_as_unavailable(detail: str = "the stream server cannot be reached") -> Iterator[None]:
    """Raise Unavailable for an outage of the server inside the block."""
    with outages.outage_as_unavailable(is_outage, detail):
        yield
