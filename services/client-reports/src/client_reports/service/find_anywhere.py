"""Find a page of submissions across projects."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from hearback_kit.db import Database
from hearback_kit.db.rows import Window

from client_reports.domain.journal import Submission
from client_reports.store.submissions import SubmissionFilter, list_submissions

PROJECTS_MAX: Final = 50
"""Maximum projects of one page."""
_PART_OF_ID: Final = re.compile(r"[0-9a-f]{1,32}")


async def find_in_projects(
    database: Database,
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

    async with database.connection(share=organization_id) as connection:
        found = await find(wanted)
        if not found and within_ids and wanted.id_prefix and _PART_OF_ID.fullmatch(wanted.id_prefix):
            found = await find(replace(wanted, id_prefix=None, id_part=wanted.id_prefix))
    found.sort(key=lambda row: (row.status.received_at, row.key.id), reverse=True)
    return found[-window.limit :] if window.backward else found[: window.limit]
