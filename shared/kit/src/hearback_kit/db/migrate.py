"""Run a service's alembic migrations under a lock.

Alembic is imported lazily, since running services do not need it.
"""

from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from hearback_kit.db.database import Connection, driver_url, guarded

if TYPE_CHECKING:
    from alembic.config import Config

LOCK_TIMEOUT_MS: Final = 5_000


def _alembic_config(package: str) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_folder(package)).replace("%", "%%"))
    return config


def _folder(package: str) -> Path:
    with resources.as_file(resources.files(package)) as folder:
        return Path(folder)


def migration_head(package: str) -> str | None:
    """Return the newest revision that a service's migrations package holds."""
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_alembic_config(package)).get_current_head()


async def current_revision(connection: Connection) -> str | None:
    """Return the revision that the database is at, or None before the first migration."""
    known = await connection.scalar(text("SELECT to_regclass('alembic_version')"))
    if known is None:
        return None
    revision: str | None = await connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


async def migrate(url: str, package: str) -> None:
    """Upgrade a database to the head of `package` (such as `service.store.migrations`).

    An advisory lock serializes concurrent runs. Raise Unavailable if the server cannot be reached, or if a table
    lock takes longer than LOCK_TIMEOUT_MS, since waiting longer would block the service's traffic.
    """
    engine = create_async_engine(driver_url(url), connect_args={"timeout": 10})
    try:
        async with guarded(engine.connect()) as connection:
            await connection.execute(text("SELECT pg_advisory_lock(hashtext('hearback-migrate'))"))
            await connection.commit()
            try:
                if await current_revision(connection) == migration_head(package):
                    return
                await connection.commit()
                await connection.execute(text(f"SET lock_timeout = {LOCK_TIMEOUT_MS}"))
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
    from alembic import command

    config = _alembic_config(package)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def run_migrations_env(metadata: Any) -> None:
    """Run migrations on the connection of `migrate`; called by a service's alembic `env.py`."""
    from alembic import context

    connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()
