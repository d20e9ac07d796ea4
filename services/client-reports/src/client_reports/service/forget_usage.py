"""Forget what projects used of the journal on earlier days."""

from datetime import date

from hearback_kit.db import Database

from client_reports.store.submissions import delete_usage


async def forget_usage(database: Database, before: date) -> None:
    """Delete what projects used on days before one."""
    async with database.transaction() as connection:
        await delete_usage(connection, before)
