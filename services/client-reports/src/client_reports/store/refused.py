"""Refused submissions with their payload, until they expire or are accepted."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from hearback_kit.db import Connection, Direct
from hearback_kit.db.prepared import fetch

from client_reports.domain.journal import RefusedRow, SubmissionKey
from client_reports.store.tables import REFUSED_SUBMISSION
from client_reports.store.writes import Shape, Write, columns_of, execute

_COLUMNS: Final = ("project_id", "id", "day", "digest", "at", "message", "payload")
_INSERT: Final = Shape.of(
    REFUSED_SUBMISSION,
    "INSERT INTO refused_submission ({names}) SELECT {names} FROM {rows} ON CONFLICT DO NOTHING",
    _COLUMNS,
)
# By conditions on columns, or one lookup each: a join reads all of a partition while PostgreSQL's statistics call
# it empty.
_ERASE: Final = Shape.of(
    REFUSED_SUBMISSION,
    "DELETE FROM refused_submission WHERE project_id = ANY (ARRAY(SELECT project_id FROM {rows}))"
    " AND id = ANY (ARRAY(SELECT id FROM {rows})) AND (project_id, id) IN (SELECT project_id, id FROM {rows})",
    ("project_id", "id"),
)
_DIGESTS: Final = """
    SELECT found.* FROM unnest($1::bigint[], $2::text[]) AS wanted (project_id, id)
    CROSS JOIN LATERAL (
        SELECT project_id, id, digest FROM refused_submission
        WHERE project_id = wanted.project_id AND id = wanted.id OFFSET 0
    ) AS found
"""
# Attempts that were not accepted come first, newest first.
_FIND: Final = """
    SELECT digest, message, payload, accepted_at, at FROM refused_submission
    WHERE project_id = $1 AND id = $2 AND ($3::bytea IS NULL OR digest = $3)
    ORDER BY accepted_at IS NOT NULL, message IS NULL, at DESC, digest LIMIT 1
"""
_OPEN: Final = """
    SELECT project_id, id, digest, message, payload FROM refused_submission
    WHERE at >= $1 AND at < $2 AND accepted_at IS NULL AND message IS NOT NULL
        AND ($3::bigint IS NULL OR project_id = $3) AND (project_id, id, digest) > ($4, $5, $6)
    ORDER BY project_id, id, digest LIMIT $7
"""
_ACCEPT: Final = """
    UPDATE refused_submission SET accepted_at = $4, accepted_by = $5
    WHERE project_id = $1 AND id = $2 AND digest = $3
"""


class StoredRefusal(NamedTuple):
    """A refused submission: message (None: it can only be read) and payload as JSON; `at` is its step's time."""

    digest: bytes
    message: str | None
    payload: str
    accepted_at: datetime | None
    at: datetime


class OpenRefusal(NamedTuple):
    """A refused attempt that can still be accepted: message and payload as JSON."""

    key: SubmissionKey
    digest: bytes
    message: str
    payload: str


def refused_writes(rows: Iterable[RefusedRow], erased: Iterable[SubmissionKey]) -> list[Write]:
    """Return the writes that store refused submissions and erase others."""
    values = [
        (*row.key, row.day, row.refused.digest, row.step.at, row.refused.message, row.refused.payload)
        for row in rows
    ]
    return [Write(_INSERT, columns_of(values)), Write(_ERASE, columns_of(erased))]


async def find_digests(connection: Direct, keys: Iterable[SubmissionKey]) -> dict[SubmissionKey, list[bytes]]:
    """Return the digests of the stored attempts of submissions."""
    found: dict[SubmissionKey, list[bytes]] = {key: [] for key in keys}
    for project_id, submission_id, digest in await fetch(connection, _DIGESTS, *columns_of(found)):
        found[SubmissionKey(project_id, submission_id)].append(digest)
    return found


async def find_refusal(
    connection: Connection, key: SubmissionKey, digest: bytes | None = None
) -> StoredRefusal | None:
    """Return the newest refused attempt that was not accepted, else the newest accepted one, else None.

    With a digest only that attempt is looked for.
    """
    rows = await fetch(connection, _FIND, *key, digest)
    return StoredRefusal(*rows[0]) if rows else None


async def list_open(
    connection: Connection,
    refused: tuple[datetime, datetime],
    project_id: int | None,
    after: tuple[SubmissionKey, bytes],
    rows_max: int,
) -> list[OpenRefusal]:
    """Return attempts after a position that were refused within a time range and not accepted."""
    key, digest = after
    rows = await fetch(connection, _OPEN, *refused, project_id, *key, digest, rows_max)
    return [OpenRefusal(SubmissionKey(*row[:2]), *row[2:]) for row in rows]


async def mark_accepted(
    connection: Connection, key: SubmissionKey, digest: bytes, at: datetime, accepted_by: str
) -> None:
    """Record who accepted a refused submission."""
    await execute(connection, _ACCEPT, *key, digest, at, accepted_by)
