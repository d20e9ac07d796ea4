"""Find submissions across projects, including what was published and is not recorded yet."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from hearback_contracts.identifiers import NO_EVENT_ID
from hearback_kit.db.rows import Window

from client_reports.domain.journal import Submission
from client_reports.service.app_state import AppState
from client_reports.service.read_fate import is_to_be_read_again
from client_reports.store.submissions import (
    SubmissionFilter,
    find_newest_on_no_event,
    list_submissions,
    list_with_id,
)

PROJECTS_MAX: Final = 50
"""Maximum projects of one page."""
_PART_OF_ID: Final = re.compile(r"[0-9a-f]{1,32}")


async def find_in_projects(
    state: AppState,
    organization_id: int,
    project_ids: Sequence[int],
    wanted: SubmissionFilter,
    window: Window,
    *,
    within_ids: bool = False,
) -> list[Submission]:
    """Return the submissions of a window over any of the projects, newest first.

    If no id starts with `id_prefix` and `within_ids`, ids that contain it: that scans the whole journal.
    """

    async def find(wanted: SubmissionFilter) -> list[Submission]:
        found: list[Submission] = []
        for project_id in project_ids[:PROJECTS_MAX]:
            found += await list_submissions(connection, project_id, wanted, window)
        return found

    if window.position is None:
        await state.read_barrier.catch_up()
    async with state.database.connection(share=organization_id) as connection:
        found = await find(wanted)
        if not found and within_ids and wanted.id_prefix and _PART_OF_ID.fullmatch(wanted.id_prefix):
            found = await find(replace(wanted, id_prefix=None, id_part=wanted.id_prefix))
    found.sort(key=lambda row: (row.status.received_at, row.key.id), reverse=True)
    return found[-window.limit :] if window.backward else found[: window.limit]


async def find_with_id(
    state: AppState, organization_id: int, project_ids: Sequence[int], submission_id: str
) -> list[Submission]:
    """Return the submissions with an id, newest first; for the all-zero id the newest reports sent with it."""

    async def find() -> list[Submission]:
        async with state.database.connection(share=organization_id) as connection:
            found = await list_with_id(connection, project_ids, submission_id)
            if found or submission_id != NO_EVENT_ID:
                return found
            newest = [await find_newest_on_no_event(connection, project_id) for project_id in project_ids]
        return [one for one in newest if one is not None]

    found = await find()
    if await is_to_be_read_again(state, found):
        found = await find()
    return found
