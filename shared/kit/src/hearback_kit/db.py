"""PostgreSQL: one pool per process, one transaction per request or batch, migrations per service."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from importlib import resources
from pathlib import Path
from traceback import walk_tb
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import orjson
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
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


def _driver_url(url: str) -> str:
    """The URL as our driver wants it; libpq's `sslmode` is called `ssl` there."""
    parts = urlsplit(url)
    query = urlencode([("ssl" if name == "sslmode" else name, value) for name, value in parse_qsl(parts.query)])
    return urlunsplit(parts._replace(scheme="postgresql+asyncpg", query=query))


def _is_from_driver(error: BaseException) -> bool:
    frames = walk_tb(error.__traceback__)
    return any(frame.f_globals.get("__name__", "").startswith(_DRIVER_MODULES) for frame, _ in frames)


def is_outage(error: BaseException) -> bool:
    """Whether an error that left a block with a connection means that the database cannot be used now.

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
            _driver_url(url),
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
        async with _guarded(self._engine.begin()) as connection:
            yield connection

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection for reading; whatever it did is rolled back."""
        async with _guarded(self._engine.connect()) as connection:
            yield connection

    async def ping(self) -> None:
        """Raise Unavailable unless the server answers."""
        async with self.connection() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


@asynccontextmanager
async def _guarded(opening: AbstractAsyncContextManager[Connection]) -> AsyncIterator[Connection]:
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


def _alembic_config(package: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_folder(package)).replace("%", "%%"))
    return config


def _folder(package: str) -> Path:
    with resources.as_file(resources.files(package)) as folder:
        return Path(folder)


def migration_head(package: str) -> str | None:
    """The newest revision that a service's migrations package holds."""
    return ScriptDirectory.from_config(_alembic_config(package)).get_current_head()


async def current_revision(connection: Connection) -> str | None:
    """The revision the database is at, or None before the first migration."""
    known = await connection.scalar(text("SELECT to_regclass('alembic_version')"))
    if known is None:
        return None
    revision: str | None = await connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


async def migrate(url: str, package: str, *, lock_timeout_ms: int = 5_000) -> None:
    """Bring a database to the head of `package` (such as `service.store.migrations`).

    Runs under an advisory lock, so that several starting pods do it once; a lock on a table that
    cannot be had within `lock_timeout_ms` raises Unavailable instead of queueing the service's traffic
    behind it, as does a server that cannot be reached.
    """
    engine = create_async_engine(_driver_url(url), connect_args={"timeout": 10})
    try:
        async with _guarded(engine.connect()) as connection:
            await connection.execute(text("SELECT pg_advisory_lock(hashtext('hearback-migrate'))"))
            await connection.commit()
            try:
                if await current_revision(connection) == migration_head(package):
                    return
                await connection.commit()
                await connection.execute(text(f"SET lock_timeout = {int(lock_timeout_ms)}"))
                await connection.commit()
                await connection.run_sync(_upgrade, package)
                await connection.commit()
            finally:
                with suppress(DBAPIError):  # the lock goes with the connection, too
                    await connection.rollback()
                    await connection.execute(text("SELECT pg_advisory_unlock(hashtext('hearback-migrate'))"))
                    await connection.commit()
    finally:
        await engine.dispose()


def _upgrade(connection: Any, package: str) -> None:
    config = _alembic_config(package)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def run_migrations_env(metadata: Any) -> None:
    """The whole of a service's alembic `env.py`: run on the connection that `migrate` handed over."""
    from alembic import context

    connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()
