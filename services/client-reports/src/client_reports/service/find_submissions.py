"""Find submissions of a project, by their ids or what became of them."""

from dataclasses import replace
from datetime import datetime

from hearback_kit.db import Database

from client_reports.domain.journal import Submission
from client_reports.store.submissions import SubmissionFilter, list_submissions


async def find_submissions(
    database: Database,
    organization_id: int,
    wanted: SubmissionFilter,
    *,
    after: tuple[datetime, str] | None,
    backward: bool,
    limit: int,
) -> list[Submission]:
    """Return up to `limit` submissions next to a position, newest first.

    When no id starts with `id_prefix`, those that hold it anywhere, which takes longer.
    """
    async with database.connection(share=organization_id) as connection:
        rows = await list_submissions(connection, wanted, after=after, backward=backward, limit=limit)
        if not rows and wanted.id_prefix:
            wanted = replace(wanted, id_prefix=None, id_part=wanted.id_prefix)
            rows = await list_submissions(connection, wanted, after=after, backward=backward, limit=limit)
    return rows
