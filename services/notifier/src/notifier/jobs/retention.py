"""Delete expired records."""

from hearback_fleet.runtime import ServiceRuntime

from notifier.service.remove_old import remove_old
from notifier.settings import Settings


def add_retention(runtime: ServiceRuntime, settings: Settings) -> None:
    """Delete old decisions and deliveries every `retention_seconds`."""
    database, clock = runtime.database, runtime.clock
    runtime.every("retention", settings.retention_seconds, lambda: remove_old(database, settings, clock.now()))
