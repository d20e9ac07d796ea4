"""What is read for one organization does not grow with their number."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hearback_devkit.testing import ManualClock
from hearback_devkit.testing.statistics import copy_row, count_read
from hearback_kit.db import Connection, Database
from registry.store import organizations, snapshots
from sqlalchemy import text

MIGRATIONS = "registry.store.migrations"
COUNT = 10_000
NOW = ManualClock().now()
CALLS: dict[str, Callable[[Connection], Awaitable[Any]]] = {
    "current slug": lambda connection: organizations.find_organization(connection, "o7"),
    "former slug": lambda connection: organizations.find_organization(connection, "former-7"),
    "unknown slug": lambda connection: organizations.find_organization(connection, "unknown"),
    "new slug": lambda connection: organizations.add_organization(connection, "former-8", "n", NOW),
    "snapshots": lambda connection: snapshots.organizations_of(connection, ["8", "o8", "former-9"]),
}


@pytest.mark.parametrize("name", CALLS)
async def test_organizations_are_found_by_present_and_former_slugs(
    make_database: Callable[[str], Awaitable[str]], name: str
) -> None:
    database = Database(await make_database(MIGRATIONS))
    async with database.transaction() as connection:
        await organizations.add_organization(connection, "first", "n", NOW)
        await copy_row(connection, "organizations", COUNT, slug="'o' || n", former_slugs="ARRAY['former-' || n]")
        await connection.execute(text("ANALYZE organizations"))
    async with database.transaction() as connection:
        before = await count_read(connection)
        await CALLS[name](connection)
        assert await count_read(connection) - before < 100
    await database.close()
