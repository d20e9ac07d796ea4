"""A database without any service's tables."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit

import pytest
from hearback_kit.db import Database
from hearback_kit.values.ids import random_id
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine


@pytest.fixture
async def database_url(postgres_url: str) -> AsyncIterator[str]:
    parts = urlsplit(postgres_url)
    admin = create_async_engine(
        urlunsplit(parts._replace(scheme="postgresql+asyncpg", path=parts.path.strip("/") or "/postgres")),
        isolation_level="AUTOCOMMIT",
    )
    name = f"kit_{random_id()[:16]}"
    async with admin.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name}"))
    yield urlunsplit(parts._replace(path=f"/{name}"))
    async with admin.connect() as connection:
        await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    await admin.dispose()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, pool_size=3, statement_timeout_ms=500)
    yield database
    await database.close()
