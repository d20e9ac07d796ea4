"""Payloads of refused submissions, by an e-mail address in them or by submission."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from hearback_kit.db import Connection
from hearback_kit.db.planning import IN_ORDER
from hearback_kit.db.prepared import fetch

from client_reports.domain.journal import SubmissionKey
from client_reports.store.writes import columns_of, execute

_DAYS: Final = "SELECT DISTINCT day FROM refused_submission ORDER BY day"
_CONTAINING: Final = """
    SELECT project_id, id, payload FROM refused_submission
    WHERE day = $1 AND strpos(lower(payload), $2) > 0 AND (project_id, id) > ($3, $4)
    ORDER BY project_id, id LIMIT $5
"""
# By conditions on columns: a join reads all of a partition while PostgreSQL's statistics call it empty.
_ERASE: Final = """
    DELETE FROM refused_submission WHERE project_id = ANY ($1::bigint[]) AND id = ANY ($2::text[])
        AND (project_id, id) IN (SELECT * FROM unnest($1, $2))
"""


async def list_days(connection: Connection) -> list[date]:
    """Return the days that have payloads."""
    return [row[0] for row in await fetch(connection, _DAYS)]


async def find_containing(
    connection: Connection, day: date, text: str, after: SubmissionKey, rows_max: int
) -> list[tuple[SubmissionKey, str]]:
    """Return submissions of a day, after a key, whose lower-cased payload contains a text; with the payload."""
    await connection.execute(IN_ORDER)
    rows = await fetch(connection, _CONTAINING, day, text, *after, rows_max)
    return [(SubmissionKey(project_id, submission_id), payload) for project_id, submission_id, payload in rows]


async def erase_refused(connection: Connection, keys: Sequence[SubmissionKey]) -> int:
    """Delete the payloads of submissions; return the number of attempts."""
    if not keys:
        return 0
    return await execute(connection, _ERASE, *columns_of(keys))
