"""Change many issues, by id or by search, in transactions of a bounded size."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from hearback_kit.db import Database

from feedback.service.record_outcomes import record_sorted
from feedback.service.unit_of_work import UnitOfWork
from feedback.store.feedback_read import Selection, list_ids
from feedback.store.feedback_write import change_feedback

CHUNK_MAX = 500


async def change_by_id(
    unit_of_work: UnitOfWork,
    organization_id: int,
    project_ids: Sequence[int],
    ids: Sequence[int],
    columns: Mapping[str, Any],
) -> int:
    """Change issues of these projects by id, in one transaction; return how many there were."""
    async with unit_of_work.begin() as work:
        changed = await change_feedback(work.connection, organization_id, project_ids, ids, columns)
        if "status" in columns:
            for feedback in changed:
                record_sorted(work.record, feedback, columns["status"])
    return len(changed)


async def find_chunks(database: Database, selection: Selection) -> AsyncIterator[list[int]]:
    """Yield the ids of a selection in ascending chunks; concurrent changes neither repeat nor skip any."""
    after = 0
    while True:
        async with database.connection() as connection:
            chunk = await list_ids(connection, selection, CHUNK_MAX, after)
        if chunk:
            after = chunk[-1]
            yield chunk
        if len(chunk) < CHUNK_MAX:
            return


def split(ids: Sequence[int]) -> list[Sequence[int]]:
    """Split ids into chunks."""
    return [ids[start : start + CHUNK_MAX] for start in range(0, len(ids), CHUNK_MAX)]
