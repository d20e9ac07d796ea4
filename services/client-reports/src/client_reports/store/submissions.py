"""The journal of submissions: one row each, with all steps and the status that follows from them."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import msgspec
import orjson
from hearback_contracts.outcomes import NO_EVENT_STEP, SubmissionState
from hearback_kit.db import Connection
from hearback_kit.db.rows import Window, read_window, unindexed
from sqlalchemy import select
from sqlalchemy.sql import Select

from client_reports.domain.journal import StoredSteps, Submission, SubmissionKey, Usage
from client_reports.domain.submission_status import Step, SubmissionStatus
from client_reports.store.tables import JOURNAL_USAGE, SUBMISSION
from client_reports.store.writes import Shape, Write, columns_of, execute

# Submissions of projects with ids in any partition, and rows without an id: usage of the journal on a day.
# All ids are looked up in a partition at once, which costs less than one after the other. Only the index that
# begins with the id has its order (the project is `unindexed`): after IN_ORDER no other is taken, which would be
# read as a whole.
FIND_JOURNAL: Final = """
    (
        SELECT project_id, id, day, steps::text FROM submission
        WHERE id = ANY ($2::text[]) AND project_id + 0 = ANY ($1::bigint[]) ORDER BY id
    ) UNION ALL
    SELECT project_id, NULL, day, jsonb_build_array(submissions, payload_bytes)::text FROM journal_usage
    WHERE project_id = ANY ($1::bigint[]) AND day = $3
"""
_STEPS: Final = msgspec.json.Decoder(tuple[Step, ...])
_encode: Final = msgspec.json.Encoder().encode
SORT_KEY: Final = (SUBMISSION.c.received_at, SUBMISSION.c.id)
_CHANGING: Final = ("received_at", "source", "state", "reason", "feedback_id", "steps")
_USAGE: Final = Shape.of(
    JOURNAL_USAGE,
    "INSERT INTO journal_usage AS stored ({names}) SELECT {names} FROM {rows}"
    " ON CONFLICT (project_id, day) DO UPDATE SET submissions = stored.submissions + excluded.submissions,"
    " payload_bytes = stored.payload_bytes + excluded.payload_bytes",
    JOURNAL_USAGE.c.keys(),
)
_NEW_SUBMISSION: Final = Shape.of(
    SUBMISSION, "INSERT INTO submission ({names}) SELECT {names} FROM {rows}", SUBMISSION.c.keys()
)
_CHANGED_SUBMISSION: Final = Shape.of(
    SUBMISSION,
    "INSERT INTO submission AS stored ({names}) SELECT {names} FROM {rows}"
    " ON CONFLICT (project_id, id, day) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _CHANGING),
    SUBMISSION.c.keys(),
)


@dataclass(frozen=True, slots=True)
class SubmissionFilter:
    """Filters of a list of submissions; None does not filter. Parts of ids are in lower case."""

    states: Sequence[SubmissionState] = ()
    sources: Sequence[str] = ()
    reasons: Sequence[str] = ()
    id_prefix: str | None = None
    id_part: str | None = None
    start: datetime | None = None
    end: datetime | None = None


def read_journal(
    rows: Iterable[Sequence[Any]],
) -> tuple[dict[SubmissionKey, StoredSteps], dict[int, Usage]]:
    """Return rows of `FIND_JOURNAL` as stored submissions, and usage of the journal by project."""
    stored: dict[SubmissionKey, StoredSteps] = {}
    usage: dict[int, Usage] = {}
    for project_id, submission_id, stored_on, text in rows:
        if submission_id is None:
            usage[project_id] = Usage(*orjson.loads(text))
            continue
        key = SubmissionKey(project_id, submission_id)
        if key not in stored or stored[key].day < stored_on:
            stored[key] = StoredSteps(stored_on, _STEPS.decode(text))
    return stored, usage


def submission_writes(rows: Iterable[Submission], stored: Container[SubmissionKey]) -> list[Write]:
    """Return the writes that store rows of the journal, and replace those that are stored.

    Writers take turns, so a row that was not found is new, and storing it need not look for it again.
    """
    new: list[tuple[Any, ...]] = []
    changed: list[tuple[Any, ...]] = []
    for row in rows:
        (changed if row.key in stored else new).append(_values(row))
    return [Write(_NEW_SUBMISSION, columns_of(new)), Write(_CHANGED_SUBMISSION, columns_of(changed))]


def usage_write(added: Mapping[int, Usage], day: date) -> Write:
    """Return the write that adds to the usage of the journal on a day."""
    used = ((project_id, day, *usage) for project_id, usage in added.items() if any(usage))
    return Write(_USAGE, columns_of(used))


async def delete_usage(connection: Connection, before: date) -> None:
    """Delete the usage of days before one."""
    await execute(connection, "DELETE FROM journal_usage WHERE day < $1", before)


def _values(row: Submission) -> tuple[Any, ...]:
    status = row.status
    steps = _encode(status.steps).decode()
    changing = (status.received_at, status.source, str(status.state), status.reason, status.feedback_id, steps)
    return (*row.key, row.day, row.organization_id, *changing)


async def find_submission(connection: Connection, project_id: int, submission_id: str) -> Submission | None:
    """Return a submission, or None if it is unknown or expired."""
    return next(iter(await list_with_id(connection, [project_id], submission_id)), None)


async def list_with_id(connection: Connection, project_ids: Sequence[int], submission_id: str) -> list[Submission]:
    """Return the submissions with an id in any of the projects, newest first; ids are unique per project."""
    table = SUBMISSION.c
    statement = select(SUBMISSION).where(
        table.id == submission_id, unindexed(table.project_id).in_(sorted(project_ids))
    )
    rows = (await connection.execute(statement.order_by(table.received_at.desc()))).all()
    return [_read(row) for row in rows]


async def find_newest_on_no_event(connection: Connection, project_id: int) -> Submission | None:
    """Return a project's newest submission that was a report on no event, or None."""
    table = SUBMISSION.c
    statement = select(SUBMISSION).where(table.project_id == project_id, table.steps.contains([[NO_EVENT_STEP]]))
    found = await read_window(connection, _read, statement, SORT_KEY, Window(1))
    return found[0] if found else None


async def list_submissions(
    connection: Connection, project_id: int, wanted: SubmissionFilter, window: Window
) -> list[Submission]:
    """Return a project's submissions of a window, newest first; a position is a time of receipt and an id."""
    return await read_window(connection, _read, submissions_statement(project_id, wanted), SORT_KEY, window)


def _read(row: Any) -> Submission:
    status = SubmissionStatus(
        state=SubmissionState(row.state),
        reason=row.reason,
        source=row.source,
        received_at=row.received_at,
        feedback_id=row.feedback_id,
        steps=msgspec.convert(row.steps, tuple[Step, ...]),
    )
    return Submission(SubmissionKey(row.project_id, row.id), row.day, row.organization_id, status)


def submissions_statement(project_id: int, wanted: SubmissionFilter) -> Select[Any]:
    """Select the filtered submissions, in no order yet."""
    table = SUBMISSION.c
    statement = select(SUBMISSION).where(table.project_id == project_id)
    for column, values in (
        (table.state, [str(state) for state in wanted.states]),
        (table.source, wanted.sources),
        (table.reason, wanted.reasons),
    ):
        if len(values) == 1:
            statement = statement.where(column == values[0])
        elif values:
            statement = statement.where(column.in_(values))
    if wanted.id_prefix:
        statement = statement.where(table.id >= wanted.id_prefix, table.id < wanted.id_prefix + "\x7f")
    if wanted.id_part:
        statement = statement.where(table.id.contains(wanted.id_part, autoescape=True))
    if wanted.start is not None:
        statement = statement.where(table.received_at >= wanted.start)
    if wanted.end is not None:
        statement = statement.where(table.received_at <= wanted.end)
    return statement
