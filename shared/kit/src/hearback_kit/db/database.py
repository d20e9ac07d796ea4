"""One pool of PostgreSQL connections per process; one transaction per request or batch."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from traceback import walk_tb
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import orjson
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from hearback_kit.errors import Unavailable

Connection = AsyncConnection

# Connection lost, server going away, out of resources; serialization, deadlock, lock and statement timeouts:
# all of them may go well the next time.
_PASSING_STATES = ("08", "57P", "53", "40001", "40P01", "55P03", "57014")
_DRIVER_MODULES = ("asyncpg", "sqlalchemy")


def driver_url(url: str) -> str:
    """Return a URL as our driver wants it; libpq's `sslmode` is called `ssl` there."""
    parts = urlsplit(url)
    query = urlencode([("ssl" if name == "sslmode" else name, value) for name, value in parse_qsl(parts.query)])
    return urlunsplit(parts._replace(scheme="postgresql+asyncpg", query=query))


def _is_from_driver(error: BaseException) -> bool:
    frames = walk_tb(error.__traceback__)
    return any(frame.f_globals.get("__name__", "").startswith(_DRIVER_MODULES) for frame, _ in frames)


def is_outage(error: BaseException) -> bool:
    """Return whether an error that left a block with a connection means that the database cannot be used now.

    What else may fail in the block, such as a file, is not the database's fault, whatever its class.
    """
    if isinstance(error, PoolTimeout):
        return True
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None) or ""
        closed = isinstance(error, InterfaceError) and "closed" in str(error.orig)
        return error.connection_invalidated or closed or state.startswith(_PASSING_STATES)
    return isinstance(error, (OSError, TimeoutError)) and _is_from_driver(error)


class Database:
    """A pool of connections to one service's database.

    Both context managers raise `Unavailable` when the server cannot be reached, hangs or goes away. Of a server
    that hangs this is told before a proxy in front of us gives up on the request, 30 seconds as a rule.
    """

    def __init__(self, url: str, *, pool_size: int = 5, statement_timeout_ms: int = 15_000) -> None:
        self._engine = create_async_engine(
            driver_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=10,
            hide_parameters=True,  # they hold what people wrote, and errors are logged
            json_serializer=lambda value: orjson.dumps(value).decode(),
            json_deserializer=orjson.loads,
            connect_args={
                "timeout": 5,
                "command_timeout": statement_timeout_ms / 1000 + 5,
                "server_settings": {"statement_timeout": str(statement_timeout_ms), "timezone": "UTC"},
            },
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A transaction: committed when the block ends, rolled back when it raises."""
        async with guarded(self._engine.begin()) as connection:
            yield connection

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection for reading; whatever it did is rolled back."""
        async with guarded(self._engine.connect()) as connection:
            yield connection

    async def ping(self) -> None:
        """Raise Unavailable unless the server answers."""
        async with self.connection() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


@asynccontextmanager
async def guarded(opening: AbstractAsyncContextManager[Connection]) -> AsyncIterator[Connection]:
    """Raise Unavailable when the connection cannot be had or is lost; any other error passes."""
    try:
        async with AsyncExitStack() as stack:
            try:
                connection = await stack.enter_async_context(opening)
            except Exception as error:
                raise Unavailable("the database cannot be reached") from error
            yield connection
    except Exception as error:
        if is_outage(error):
            raise Unavailable("the database cannot be reached") from error
        raise
