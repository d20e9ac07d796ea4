"""Count for the metrics what waits, and what is switched off."""

from typing import Final

from hearback_kit.db import Database

from notifier import metrics
from notifier.store import deliveries, destinations

MEASURE_SECONDS: Final = 15.0


async def measure(database: Database) -> None:
    """Update the gauges of pending deliveries and disabled destinations."""
    async with database.connection() as connection:
        metrics.PENDING.set(await deliveries.count_pending(connection))
        metrics.DESTINATIONS_OFF.set(await destinations.count_off(connection))
