"""Delete expired sessions and tokens, old entries of the audit log, and unused accounts."""

from datetime import timedelta

from hearback_kit.clock import Clock
from hearback_kit.db import Database

from registry.settings import Settings
from registry.store import audit_logs, sessions, tokens, users


class Cleanup:
    """Deletes expired records."""

    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database = database
        self._clock = clock
        self._audit_age = timedelta(days=settings.audit_days)
        self._account_age = timedelta(days=settings.unused_account_days)

    async def run(self) -> None:
        """Delete expired records."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            await sessions.remove_expired(connection, now)
            await tokens.remove_expired(connection, now)
            await audit_logs.remove_before(connection, now - self._audit_age)
            await users.remove_unused(connection, now - self._account_age)
