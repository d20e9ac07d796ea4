"""What is read does not grow with tables that PostgreSQL's statistics call empty."""

from datetime import timedelta

from hearback_devkit.testing.statistics import call_empty, count_read
from notifier.store.decisions import delete_decisions
from sqlalchemy import text

from ..conftest import Notifier

COUNT = 10_000
HELD = """
INSERT INTO decision (project_id, event_id, verdict, rule, decided_at)
SELECT 1, n::text, 'held', 'spam', :at FROM generate_series(1, :count) AS n
"""


async def test_old_decisions_are_chosen_once(notifier: Notifier) -> None:
    now = notifier.clock.now()
    async with notifier.database.transaction() as connection:
        await call_empty(connection, "decision")
        await connection.execute(text(HELD), {"at": now, "count": COUNT})
    async with notifier.database.transaction() as connection:
        before = await count_read(connection)
        assert await delete_decisions(connection, now + timedelta(days=1), 100) == 100
        assert await count_read(connection) - before < COUNT
