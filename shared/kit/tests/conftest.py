"""A database without any service's tables."""

from collections.abc import AsyncIterator

import pytest
from hearback_devkit.fixtures import MakeDatabase
from hearback_kit.db import Database


@pytest.fixture
async def database_url(make_database: MakeDatabase) -> str:
    return await make_database("")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, pool_size=3, statement_timeout_ms=500)
    yield database
    await database.close()
