"""Delete expired sessions and tokens, old entries of the audit log, and unused accounts."""

from datetime import timedelta
from typing import Final

from hearback_kit.clock import Clock
from hearback_kit.db import Database

from registry.settings import Settings
from registry.store import audit_logs, sessions, tokens, users

CHUNK_MAX: Final = 1_000


async def clean_up(database: Database, clock: Clock, settings: Settings) -> None:
    """Delete what has expired by now, in chunks, one transaction each."""
    now = clock.now()
    for delete, time in (
        (sessions.remove_expired, now),
        (tokens.remove_expired, now),
        (audit_logs.remove_before, now - timedelta(days=settings.audit_days)),
        (users.remove_unused, now - timedelta(days=settings.unused_account_days)),
    ):
        while await database.write(delete, time, CHUNK_MAX) >= CHUNK_MAX:
            pass
