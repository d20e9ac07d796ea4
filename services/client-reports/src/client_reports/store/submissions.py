"""The journal of submissions: one row each, with all steps and the status that follows from them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import orjson
from hearback_contracts.outcomes import NO_EVENT_STEP, SubmissionState
from hearback_kit.db import Connection
from hearback_kit.db.rows import Window, read_window
from sqlalchemy import select
from sqlalchemy.sql import Select

from client_reports.domain.journal import StoredSteps, Submission, SubmissionKey, Usage
from client_reports.domain.submission_status import Step, SubmissionStatus
from client_reports.store.tables import SUBMISSION
from client_reports.store.writes import Shape, Write, execute

# Submissions, in whatever partition they are, and how much of its journal each project used that day (without id).
FIND_JOURNAL: Final = """
    SELECT project_id, id, day, steps::text FROM submission
    JOIN unnest($1::bigint[], $2::text[]) AS wanted (project_id, id) USING (project_id, id)
    UNION ALL
    SELECT project_id, NULL, day, jsonb_build_array(submissions, payload_bytes)::text FROM journal_usage
    WHERE project_id = ANY ($1::bigint[]) AND day = $3
"""
SORT_KEY: Final = (SUBMISSION.c.received_at, SUBMISSION.c.id)
_COLUMNS: Final = (
    ("project_id", "bigint"),
    ("id", "text"),
    ("day", "date"),
    ("organization_id", "bigint"),
    ("received_at", "timestamptz"),
    ("source", "text"),
    ("state", "text"),
    ("reason", "text"),
    ("feedback_id", "text"),
    ("steps", "jsonb"),
)
_CHANGING: Final = ("received_at", "source", "state", "reason", "feedback_id", "steps")
_USAGE: Final = Shape(
    "INSERT INTO journal_usage AS stored (project_id, day, submissions, payload_bytes)"
    " SELECT project_id, day, submissions, payload_bytes FROM {rows} ON CONFLICT (project_id, day) DO UPDATE"
    " SET submissions = stored.submissions + excluded.submissions,"
    " payload_bytes = stored.payload_bytes + excluded.payload_bytes",
    (("project_id", "bigint"), ("day", "date"), ("submissions", "bigint"), ("payload_bytes", "bigint")),
)
_SHAPE: Final = Shape(
    "INSERT INTO submission AS stored ({names}) SELECT {names} FROM {{rows}}"
    " ON CONFLICT (project_id, id, day) DO UPDATE SET {changes}".format(
        names=", ".join(name for name, _ in _COLUMNS),
        changes=", ".join(f"{name} = excluded.{name}" for name in _CHANGING),
    ),
    _COLUMNS,
)


@dataclass(frozen=True, slots=True)
class SubmissionFilter:
    """Which submissions of a project to list; None does not filter. Parts of ids are in lower case."""

    project_id: int
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
    """Return rows of `FIND_JOURNAL`: what is stored of submissions, and what projects used of the journal."""
    stored: dict[SubmissionKey, StoredSteps] = {}
    usage: dict[int, Usage] = {}
    for project_id, submission_id, stored_on, text in rows:
        values = orjson.loads(text)
        if submission_id is None:
            usage[project_id] = Usage(*values)
        else:
            stored[SubmissionKey(project_id, submission_id)] = StoredSteps(stored_on, _read_steps(values))
    return stored, usage


def submission_write(rows: Iterable[Submission]) -> Write:
    """Return the write that stores rows of the journal, or replaces them."""
    columns = [(*row.key, row.day, row.organization_id, *_status_values(row.status)) for row in rows]
    return Write(_SHAPE, [list(column) for column in zip(*columns, strict=True)] or [[]])


def usage_write(added: Mapping[int, Usage], day: date) -> Write:
    """Return the write that adds to what projects used of the journal on a day."""
    used = [(project_id, usage) for project_id, usage in added.items() if usage != Usage()]
    return Write(
        _USAGE,
        [
            [project_id for project_id, _ in used],
            [day] * len(used),
            [usage.submissions for _, usage in used],
            [usage.payload_bytes for _, usage in used],
        ],
    )


async def delete_usage(connection: Connection, before: date) -> None:
    """Delete what projects used on days before one."""
    await execute(connection, "DELETE FROM journal_usage WHERE day < $1", before)


def _status_values(status: SubmissionStatus) -> tuple[Any, ...]:
    steps = orjson.dumps(status.steps, default=_written).decode()
    return (status.received_at, status.source, str(status.state), status.reason, status.feedback_id, steps)


def _written(step: Step) -> tuple[Any, ...]:
    """Return a step as it is stored: without its details when it has none, as most."""
    return tuple(step) if step.details else tuple(step[:-1])


def _read_steps(raw: Iterable[Sequence[Any]]) -> tuple[Step, ...]:
    return tuple(map(_read_step, raw))


def _read_step(raw: Sequence[Any]) -> Step:
    at, service, step, state, *more = raw
    read = Step(datetime.fromisoformat(at), service, step, SubmissionState(state), *more[:3])
    return read._replace(details=tuple(more[3])) if len(more) > 3 else read


async def find_submission(connection: Connection, project_id: int, submission_id: str) -> Submission | None:
    """Return a submission, or None when it never came or is kept no longer."""
    table = SUBMISSION.c
    statement = select(SUBMISSION).where(table.project_id == project_id, table.id == submission_id)
    row = (await connection.execute(statement.limit(1))).first()
    return _read(row) if row is not None else None


async def list_with_id(connection: Connection, project_ids: Sequence[int], submission_id: str) -> list[Submission]:
    """Return the submissions with an id in any of the projects, newest first."""
    table = SUBMISSION.c
    statement = select(SUBMISSION).where(table.project_id.in_(sorted(project_ids)), table.id == submission_id)
    rows = (await connection.execute(statement.order_by(table.received_at.desc()))).all()
    return [_read(row) for row in rows]


async def find_newest_on_no_event(connection: Connection, project_id: int) -> Submission | None:
    """Return a project's newest submission that was a report on no event, or None."""
    table = SUBMISSION.c
    statement = select(SUBMISSION).where(table.project_id == project_id, table.steps.contains([[NO_EVENT_STEP]]))
    newest = statement.order_by(table.received_at.desc(), table.id.desc()).limit(1)
    row = (await connection.execute(newest)).first()
    return _read(row) if row is not None else None


async def list_submissions(connection: Connection, wanted: SubmissionFilter, window: Window) -> list[Submission]:
    """Return the submissions of a window, newest first; a position is a time of receipt and an id."""
    return await read_window(connection, _read, submissions_statement(wanted), SORT_KEY, window)


def _read(row: Any) -> Submission:
    status = SubmissionStatus(
        state=SubmissionState(row.state),
        reason=row.reason,
        source=row.source,
        received_at=row.received_at,
        feedback_id=row.feedback_id,
        steps=_read_steps(row.steps),
    )
    return Submission(SubmissionKey(row.project_id, row.id), row.day, row.organization_id, status)


def submissions_statement(wanted: SubmissionFilter) -> Select[Any]:
    """Select the filtered submissions, in no order yet."""
    table = SUBMISSION.c
    statement = select(SUBMISSION).where(table.project_id == wanted.project_id)
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
