"""Creates the services' databases and migrates them to the latest revision."""

import asyncio
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from hearback_local.services import ServiceProcess


def run(services: list[tuple[ServiceProcess, Any]]) -> bytes:
    """Create and migrate all databases; called in a child process."""
    asyncio.run(_run(services))
    return b"ok"


async def _run(services: list[tuple[ServiceProcess, Any]]) -> None:
    from hearback_kit.db import migrate

    targets: dict[str, str] = {}
    for _, program in services:
        if program.migrations is not None:
            targets[program.settings().database_url] = program.migrations
    await _create_databases(list(targets))
    # One after the other: Alembic keeps the migration it runs in a global.
    for url, package in targets.items():
        await migrate(url, package)


async def _create_databases(urls: list[str]) -> None:
    import asyncpg  # type: ignore[import-untyped]

    for url in urls:
        parts = urlsplit(url)
        name = parts.path.lstrip("/")
        connection = await asyncpg.connect(urlunsplit(parts._replace(path="/postgres")))
        try:
            known = await connection.fetchval("select true from pg_database where datname = $1", name)
            if not known:
                quoted = name.replace('"', '""')
                await connection.execute(f'create database "{quoted}"')
        except asyncpg.DuplicateDatabaseError:
            pass
        finally:
            await connection.close()
