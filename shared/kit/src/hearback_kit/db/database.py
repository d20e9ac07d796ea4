"""One pool of PostgreSQL connections per process; one transaction per request or batch."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg  # type: ignore[import-untyped]
import orjson
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, InterfaceError, InternalError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.util.concurrency import greenlet_spawn

from hearback_kit.db.pool_use import PoolUse
from hearback_kit.db.shares import Shares
from hearback_kit.errors import QueryTimeout, Unavailable
from hearback_kit.outages import is_connection_error, outage_as_unavailable
from hearback_kit.shared_calls import SharedCalls

Connection = AsyncConnection
AlreadyThere: type[Exception] = asyncpg.UniqueViolationError
"""Raised by a statement of a `Direct` connection on a unique violation."""


class Direct(Protocol):
    """The driver's connection in autocommit mode; statements are prepared once per connection.

    Values have the driver's types; JSON is text in parameters, and decoded in rows.
    """

    async def fetch(self, query: str, *arguments: Any) -> list[Any]:
        """Run a statement with `$1` … as its parameters; return its rows."""


# Connection lost, server going away, out of resources; serialization, deadlock, and timeouts:
# all of them may go well the next time.
_PASSING_STATES = ("08", "57P", "53", "40001", "40P01", "55P03", "57014", "25P03")
_QUERY_CANCELED = "57014"
_DRIVER_MODULES = ("asyncpg", "sqlalchemy")
_DETAIL = "the database cannot be reached"

Opened = TypeVar("Opened")
Found = TypeVar("Found")
Given = ParamSpec("Given")


def driver_url(url: str) -> str:
    """Return a URL for asyncpg, where libpq's `sslmode` is called `ssl`."""
    parts = urlsplit(url)
    query = urlencode([("ssl" if name == "sslmode" else name, value) for name, value in parse_qsl(parts.query)])
    return urlunsplit(parts._replace(scheme="postgresql+asyncpg", query=query))


def is_outage(error: BaseException) -> bool:
    """Return whether an error raised in a block with a connection means that the database is unavailable.

    Other errors of the block, such as those of files, do not, whatever their class.
    """
    if isinstance(error, PoolTimeout):
        return True
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None) or ""
        closed = isinstance(error, InterfaceError) and _says_closed(error.orig)
        confused = isinstance(error, InternalError) and not state  # the response does not match the request
        return error.connection_invalidated or closed or confused or state.startswith(_PASSING_STATES)
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(_PASSING_STATES)
    if isinstance(error, asyncpg.InterfaceError):
        return _says_closed(error)
    return isinstance(error, asyncpg.InternalClientError) or is_connection_error(error, _DRIVER_MODULES)


def _says_closed(error: BaseException | None) -> bool:
    """Return whether the driver's error is about a closed connection, and not about a value it quotes."""
    return "clos" in str(error) and "invalid input for query argument" not in str(error)


def _is_statement_timeout(error: BaseException) -> bool:
    of_driver = error.orig if isinstance(error, DBAPIError) else error
    return getattr(of_driver, "sqlstate", None) == _QUERY_CANCELED


class Database:
    """A pool of connections to a service's database; those not needed at once for `quiet_seconds` are closed.

    `uses` counts how often a connection was taken.

    It keeps up to `pool_size` connections, and opens up to `more_max` more while those are in use.

    The context managers raise `QueryTimeout` for a statement that takes longer than `statement_timeout_ms`, and
    `Unavailable` if the server cannot be reached, hangs or goes away, before a proxy's timeout (usually 30 s).

    The server ends a transaction that is idle for `idle_transaction_ms`; otherwise one of a lost client (machine
    failure, network partition) would hold its locks for hours.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 5,
        more_max: int = 0,
        share_max: int | None = None,
        statement_timeout_ms: int = 15_000,
        idle_transaction_ms: int = 30_000,
        silence_seconds_max: float = 5.0,
        quiet_seconds: float = 10.0,
    ) -> None:
        self.uses = 0
        self._silence_seconds_max = silence_seconds_max
        self._shares = Shares(share_max or max(1, pool_size // 2))
        self._use = PoolUse(quiet_seconds)
        self._pings: SharedCalls[None, None] = SharedCalls()
        self._engine = create_async_engine(
            driver_url(url),
            pool_size=pool_size,
            max_overflow=more_max,
            pool_timeout=10,
            pool_use_lifo=True,  # the same few connections serve quiet times
            hide_parameters=True,  # they are personal data, and errors are logged
            json_serializer=lambda value: orjson.dumps(value).decode(),
            json_deserializer=orjson.loads,
            connect_args={
                "timeout": silence_seconds_max,
                "command_timeout": statement_timeout_ms / 1000 + silence_seconds_max,
                "server_settings": {
                    "statement_timeout": str(statement_timeout_ms),
                    "idle_in_transaction_session_timeout": str(idle_transaction_ms),
                    "timezone": "UTC",
                    "jit": "off",  # compiling takes longer than any statement here
                },
            },
        )

        event.listen(self._engine.sync_engine, "checkout", _refuse_closed)
        self._each = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Yield a transaction: committed when the block ends, rolled back when it raises."""
        async with guarded(self._counted(self._engine.begin())) as connection:
            yield connection

    @asynccontextmanager
    async def connection(self, *, share: Hashable | None = None) -> AsyncIterator[Connection]:
        """Yield a connection for reading; it is rolled back at the end.

        `share` is a tenant, which may use `share_max` connections of the pool at once (default: half); further
        uses wait, within bounds, and then raise TooManyRequests.
        """
        async with AsyncExitStack() as stack:
            if share is not None:
                await stack.enter_async_context(self._shares.part(share))
            yield await stack.enter_async_context(guarded(self._counted(self._engine.connect())))

    async def read(
        self,
        query: Callable[Concatenate[Connection, Given], Awaitable[Found]],
        *given: Given.args,
        **more: Given.kwargs,
    ) -> Found:
        """Call a query function with a connection for reading."""
        async with self.connection() as connection:
            return await query(connection, *given, **more)

    async def write(
        self,
        change: Callable[Concatenate[Connection, Given], Awaitable[Found]],
        *given: Given.args,
        **more: Given.kwargs,
    ) -> Found:
        """Call a function in a transaction of its own."""
        async with self.transaction() as connection:
            return await change(connection, *given, **more)

    @asynccontextmanager
    async def statements(self) -> AsyncIterator[Connection]:
        """Yield a connection in autocommit mode: one round trip per statement, not three."""
        async with guarded(self._counted(self._each.connect())) as connection:
            yield connection

    @asynccontextmanager
    async def direct(self) -> AsyncIterator[Direct]:
        """Yield the driver's connection, for hot paths where SQLAlchemy's overhead per statement matters."""
        async with guarded(self._counted(self._taken())) as connection:
            yield connection

    @asynccontextmanager
    async def direct_transaction(self, *first: str) -> AsyncIterator[Direct]:
        """Yield the driver's connection in a transaction that starts with statements, in one round trip."""
        async with self.direct() as connection:
            driver: Any = connection
            try:
                await driver.execute("; ".join(("BEGIN", *first)))
                yield connection
            except Exception as error:
                if not isinstance(error, TimeoutError):  # after which the connection is closed
                    await _roll_back(driver)
                raise
            await driver.execute("COMMIT")

    @asynccontextmanager
    async def _taken(self) -> AsyncIterator[Direct]:
        pooled = await self._engine.raw_connection()
        driver: Any = pooled.driver_connection
        try:
            yield driver
        except BaseException as error:
            # Interrupted during a statement, whose response would be taken for that of the next one.
            if driver.is_closed() or not isinstance(error, Exception) or isinstance(error, TimeoutError):
                driver.terminate()
                pooled.invalidate()
            else:
                await greenlet_spawn(pooled.close)
            raise
        # A connection beyond those that the pool keeps is closed, for which SQLAlchemy wants a greenlet.
        await greenlet_spawn(pooled.close)

    @asynccontextmanager
    async def _counted(self, opening: AbstractAsyncContextManager[Opened]) -> AsyncIterator[Opened]:
        """Count a use of the pool; close connections that are not needed."""
        self.uses += 1
        self._use.begin()
        try:
            async with opening as connection:
                yield connection
        finally:
            peak = self._use.end(time.monotonic())
        if peak is not None and self._engine.pool.checkedin() > max(peak, 1):  # type: ignore[attr-defined]
            with suppress(TimeoutError):
                async with asyncio.timeout(self._silence_seconds_max):
                    await self._engine.dispose()

    async def ping(self) -> None:
        """Raise Unavailable unless the server answers; concurrent calls share an answer."""
        await self._pings.result(None, self._ping)

    async def _ping(self) -> None:
        async with self.statements() as connection:
            await connection.exec_driver_sql("SELECT 1")

    async def close(self) -> None:
        """Close every connection."""
        self._pings.cancel()
        await self._engine.dispose()


def _refuse_closed(pooled: Any, _record: Any, _proxy: Any) -> None:
    """Have the pool replace its connections once the server has closed one, as it does when it restarts."""
    if pooled.driver_connection.is_closed():
        raise InvalidatePoolError


async def _roll_back(driver: Any) -> None:
    """Roll back a connection's transaction, or close the connection."""
    try:
        await driver.execute("ROLLBACK")
    except Exception:
        driver.terminate()


@asynccontextmanager
async def guarded(opening: AbstractAsyncContextManager[Opened]) -> AsyncIterator[Opened]:
    """Raise Unavailable if the connection cannot be made or is lost; other errors pass."""
    with outage_as_unavailable(is_outage, _DETAIL):
        try:
            async with AsyncExitStack() as stack:
                try:
                    connection = await stack.enter_async_context(opening)
                except Exception as error:
                    raise Unavailable(_DETAIL) from error
                yield connection
        except (DBAPIError, asyncpg.PostgresError) as error:
            if _is_statement_timeout(error):
                raise QueryTimeout from error
            raise
