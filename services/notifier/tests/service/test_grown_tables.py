"""What PostgreSQL reads does not grow with tables that its statistics call empty, and these cost little."""

from datetime import timedelta

from hearback_devkit.testing.statistics import call_empty, count_read
from notifier.store.decisions import delete_decisions
from sqlalchemy import text

from ..conftest import Notifier, feedback
from ..consumers.test_feedback_created import take

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


async def test_statistics_are_of_what_conditions_are_about(notifier: Notifier) -> None:
    await take(notifier, feedback())
    async with notifier.database.transaction() as connection:
        await connection.execute(text("ANALYZE delivery"))
        found = await connection.scalars(text("SELECT attname FROM pg_stats WHERE tablename = 'delivery'"))
        names = set(found.all())
    assert names >= {"project_id", "subject_id", "destination", "channel", "target", "state", "due_at"}
    assert not names & {"label", "language", "unsubscribe_url", "notice", "answer"}
