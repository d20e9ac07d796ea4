"""Delete what is older than the retention."""

from hearback_kit.clock import Clock
from hearback_kit.db import Database

from notifier.service.remove_old import remove_old
from notifier.settings import Settings


class Retention:
    """The periodic job."""

    def __init__(self, database: Database, settings: Settings, clock: Clock) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock

    async def run_once(self) -> None:
        """Delete old decisions and deliveries."""
        await remove_old(self._database, self._settings, self._clock.now())
