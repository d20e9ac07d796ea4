"""Delete decisions and deliveries past their retention."""

from datetime import datetime, timedelta

from hearback_kit.db import Database

from notifier.settings import Settings
from notifier.store.decisions import delete_decisions
from notifier.store.deliveries import delete_deliveries


async def remove_old(database: Database, settings: Settings, now: datetime) -> int:
    """Delete in chunks, one transaction each; return the number of rows."""
    before = now - timedelta(days=settings.retention_days)
    removed = 0
    for delete in (delete_decisions, delete_deliveries):
        while True:
            count = await database.write(delete, before, settings.retention_chunk_max)
            removed += count
            if count < settings.retention_chunk_max:
                break
    return removed
