"""The one place that makes Valkey/Redis clients, and the errors that mean it cannot be reached."""

from redis.asyncio import Redis
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, ConnectionError, ReadOnlyError, TimeoutError
from redis.retry import Retry

OUTAGES = (ConnectionError, TimeoutError, BusyLoadingError, ReadOnlyError, OSError)


def connect(url: str, *, timeout_seconds: float = 5.0, blocking: bool = False) -> Redis:
    """A client with a pool. `blocking` is for connections that wait inside a command (BLOCK)."""
    return Redis.from_url(
        url,
        protocol=2,
        socket_connect_timeout=timeout_seconds,
        socket_timeout=None if blocking else timeout_seconds,
        retry=Retry(NoBackoff(), 0 if blocking else 1),
        health_check_interval=0,
        decode_responses=False,
    )
