"""Delete expired sessions and tokens, old entries of the audit log, and unused accounts."""

from datetime import timedelta

from hearback_kit.clock import Clock
from hearback_kit.db import Database

from registry.settings import Settings
from registry.store import audit_logs, sessions, tokens, users


async def clean_up(database: Database, clock: Clock, settings: Settings) -> None:
    """Delete what has expired by now."""
    now = clock.now()
    async with database.transaction() as connection:
        await sessions.remove_expired(connection, now)
        await tokens.remove_expired(connection, now)
        await audit_logs.remove_before(connection, now - timedelta(days=settings.audit_days))
        await users.remove_unused(connection, now - timedelta(days=settings.unused_account_days))
