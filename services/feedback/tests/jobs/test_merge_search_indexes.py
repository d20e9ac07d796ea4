"""Merging into the search indexes: when, and that nothing waits there afterwards."""

from feedback.jobs.merge_search_indexes import ROWS_MIN, MergeSearchIndexes
from sqlalchemy import text

from ..conftest import Intake, payload, submitted


async def test_what_was_stored_is_merged_and_found(intake: Intake) -> None:
    async with intake.database.transaction() as connection:
        await connection.execute(text("CREATE EXTENSION IF NOT EXISTS pgstattuple"))
    await intake.take(*(submitted(payload(f"message {number}")) for number in range(5)))
    assert await waiting(intake) == 3
    merge = MergeSearchIndexes(intake.database)
    await merge()
    assert await waiting(intake) == 3, "nothing was counted"
    merge.count(5)
    await merge()
    assert await waiting(intake) == 0


async def test_much_wakes_the_job_once_it_is_much(intake: Intake) -> None:
    woken: list[int] = []
    merge = MergeSearchIndexes(intake.database)
    merge.wake = lambda: woken.append(1)
    merge.count(ROWS_MIN - 1)
    assert woken == []
    merge.count(1)
    assert woken == [1]
    await merge()
    merge.count(1)
    assert woken == [1]


async def waiting(intake: Intake) -> int:
    """How many of the indexes have rows that wait to be merged."""
    names = ("feedback_trigrams", "feedback_search", "feedback_facets")
    statement = text("SELECT pending_tuples FROM pgstatginindex(CAST(:name AS text)::regclass)")
    async with intake.database.connection() as connection:
        return sum([await connection.scalar(statement, {"name": name}) > 0 for name in names])
