"""PostgreSQL: one pool per process, one transaction per request or batch, migrations per service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import orjson
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from hearback_kit.errors import Unavailable

Connection = AsyncConnection

_CONNECTION_STATES = ("08", "57P", "53")  # connection lost, server going away, out of resources


def _driver_url(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(scheme="postgresql+asyncpg"))


def _is_outage(error: Exception) -> bool:
    if isinstance(error, (ConnectionError, OSError, asyncio.TimeoutError, PoolTimeout, InterfaceError)):
        return True
    if isinstance(error, OperationalError):
        return True
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None) or ""
        return error.connection_invalidated or state.startswith(_CONNECTION_STATES)
    return False


class Database:
    """A pool of connections to one service's database.

    Both context managers raise `Unavailable` when the server cannot be reached or goes away.
    """

    def __init__(self, url: str, *, pool_size: int = 5, statement_timeout_ms: int = 30_000) -> None:
        self._engine = create_async_engine(
            _driver_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=10,
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
        try:
            async with self._engine.begin() as connection:
                yield connection
        except Exception as error:
            if _is_outage(error):
                raise Unavailable("the database cannot be reached") from error
            raise

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection for reading; whatever it did is rolled back."""
        try:
            async with self._engine.connect() as connection:
                yield connection
        except Exception as error:
            if _is_outage(error):
                raise Unavailable("the database cannot be reached") from error
            raise

    async def ping(self) -> None:
        """Raise Unavailable unless the server answers."""
        async with self.connection() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


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
    """Bring a database to the head of `package` (such as `feedback.store.migrations`).

    Runs under an advisory lock, so that several starting pods do it once; a lock on a table that
    cannot be had within `lock_timeout_ms` raises instead of queueing the service's traffic behind it.
    """
    engine = create_async_engine(_driver_url(url), connect_args={"timeout": 10})
    try:
        async with engine.connect() as connection:
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
