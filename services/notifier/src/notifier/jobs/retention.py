"""Delete decisions and deliveries past their retention."""

from datetime import timedelta

from hearback_kit.clock import Clock
from hearback_kit.db import Database

from notifier.settings import Settings
from notifier.store.decisions import delete_decisions
from notifier.store.deliveries import delete_deliveries


async def remove_old(database: Database, settings: Settings, clock: Clock) -> None:
    """Delete in chunks, one transaction each."""
    before, chunk_max = clock.now() - timedelta(days=settings.retention_days), settings.retention_chunk_max
    for delete in (delete_decisions, delete_deliveries):
        while await database.write(delete, before, chunk_max) >= chunk_max:
            pass
