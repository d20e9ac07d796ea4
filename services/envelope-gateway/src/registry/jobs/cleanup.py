"""Remove what has expired: sessions, tokens, and old entries of the audit log."""

from datetime import timedelta

from hearback_kit.clock import Clock
from hearback_kit.db import Database

from registry.store import audit_logs, sessions, tokens


class Cleanup:
    """Removes what has expired."""

    def __init__(self, database: Database, clock: Clock, *, audit_days: int) -> None:
        self._database = database
        self._clock = clock
        self._audit_age = timedelta(days=audit_days)

    async def run(self) -> None:
        """Remove what has expired by now."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            await sessions.remove_expired(connection, now)
            await tokens.remove_expired(connection, now)
            await audit_logs.remove_before(connection, now - self._audit_age)
