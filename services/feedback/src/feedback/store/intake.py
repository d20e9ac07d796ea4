"""Writing what a batch of submissions became, in a handful of statements whatever its size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from hearback_kit.db import Connection
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    String,
    Text,
    bindparam,
    case,
    cast,
    func,
    literal,
    select,
    update,
)
from sqlalchemy import column as sql_column
from sqlalchemy.dialects.postgresql import ARRAY, JSON, insert
from sqlalchemy.sql.selectable import TableValuedAlias

from feedback.store.tables import CLOSED_SUBMISSION, FEEDBACK, PROJECT

SubmissionKey = tuple[int, str]

_CONTENT = (
    "submission_id",
    "revision",
    "title",
    "message",
    "name",
    "contact_email",
    "url",
    "environment",
    "release",
    "dist",
    "platform",
    "level",
    "sdk_name",
    "user_id",
    "user_name",
    "user_email",
    "associated_event_id",
    "tags",
    "evidence",
    "event",
    "facets",
    "search",
)
_FIXED = (
    "organization_id",
    "project_id",
    "event_id",
    "source",
    "occurrence_id",
    "fingerprint",
    "short_id",
    "error_occurred_at",
    "first_seen",
    "received_at",
)
_MAILBOX = ("status", "substatus")


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored of a submission: its feedback's id (None when it was closed without) and revision."""

    feedback_id: int | None
    revision: int
    reason: str | None = None
    status: str | None = None


class Stored(NamedTuple):
    """A feedback that was changed: its id and mailbox."""

    feedback_id: int
    status: str


def _records(names: Sequence[str]) -> TableValuedAlias:
    """Rows of a JSON array as a table; one parameter whatever the number of rows."""
    columns = [sql_column(name, _type_of(name)) for name in names]
    function = func.json_to_recordset(cast(bindparam("rows", type_=String), JSON))
    return function.table_valued(*columns).render_derived(name="given", with_types=True)


def _type_of(name: str) -> Any:
    return Text() if name == "search" else FEEDBACK.c[name].type


def _value(given: TableValuedAlias, name: str) -> ColumnElement[Any]:
    if name == "search":
        return func.to_tsvector("simple", given.c.search)
    column: ColumnElement[Any] = given.c[name]
    return column


def _encode(rows: Sequence[Mapping[str, Any]]) -> str:
    return orjson.dumps(list(rows)).decode()


async def find_known(connection: Connection, keys: Sequence[SubmissionKey]) -> dict[SubmissionKey, Known]:
    """What is stored already of these (project, event) pairs."""
    wanted = (
        func.unnest(
            cast([project for project, _ in keys], ARRAY(BigInteger)),
            cast([event for _, event in keys], ARRAY(Text)),
        )
        .table_valued(sql_column("project_id", BigInteger), sql_column("event_id", Text))
        .render_derived(name="wanted")
    )
    stored = select(
        wanted.c.project_id,
        wanted.c.event_id,
        FEEDBACK.c.id,
        FEEDBACK.c.revision,
        literal(None, Text).label("reason"),
        FEEDBACK.c.status,
    ).join(FEEDBACK, (FEEDBACK.c.project_id == wanted.c.project_id) & (FEEDBACK.c.event_id == wanted.c.event_id))
    closed_table = CLOSED_SUBMISSION
    closed = select(
        wanted.c.project_id,
        wanted.c.event_id,
        literal(None, BigInteger),
        closed_table.c.revision,
        closed_table.c.reason,
        literal(None, Text),
    ).join(
        closed_table,
        (closed_table.c.project_id == wanted.c.project_id) & (closed_table.c.event_id == wanted.c.event_id),
    )
    found: dict[SubmissionKey, Known] = {}
    for row in await connection.execute(closed.union_all(stored)):
        known = Known(*row[2:])
        if known.feedback_id is not None or (row[0], row[1]) not in found:
            found[row[0], row[1]] = known
    return found


async def take_numbers(connection: Connection, wanted: Mapping[int, int], with_new: set[int]) -> dict[int, int]:
    """Take `wanted[project]` short-id numbers per project; returns the first of each.

    `with_new` are the projects that got feedback by the new way. Rows are locked in the order of their
    ids, so that two workers cannot wait for each other.
    """
    statement = insert(PROJECT).values(
        [
            {"id": project, "numbers_used": wanted[project], "has_new_feedbacks": project in with_new}
            for project in sorted(wanted)
        ]
    )
    statement = statement.on_conflict_do_update(
        index_elements=[PROJECT.c.id],
        set_={
            "numbers_used": PROJECT.c.numbers_used + statement.excluded.numbers_used,
            "has_new_feedbacks": PROJECT.c.has_new_feedbacks | statement.excluded.has_new_feedbacks,
        },
    )
    rows = await connection.execute(statement.returning(PROJECT.c.id, PROJECT.c.numbers_used))
    return {project: used - wanted[project] + 1 for project, used in rows}


async def insert_feedback(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> dict[SubmissionKey, int]:
    """Store new feedback; returns the ids of those that were not stored already."""
    names = (*_FIXED, *_MAILBOX, *_CONTENT)
    given = _records(names)
    statement = (
        insert(FEEDBACK)
        .from_select(list(names), select(*(_value(given, name) for name in names)))
        .on_conflict_do_nothing(constraint="feedback_event")
        .returning(FEEDBACK.c.id, FEEDBACK.c.project_id, FEEDBACK.c.event_id)
    )
    ordered = sorted(rows, key=lambda row: (row["project_id"], row["event_id"]))
    found = await connection.execute(statement, {"rows": _encode(ordered)})
    return {(project, event): feedback_id for feedback_id, project, event in found}


async def update_feedback(
    connection: Connection, rows: Sequence[Mapping[str, Any]]
) -> dict[SubmissionKey, Stored]:
    """Replace the content of stored feedback by higher revisions; returns those that changed.

    The new verdict on spam chooses the mailbox where no person did.
    """
    names = ("project_id", "event_id", *_MAILBOX, *_CONTENT)
    given = _records(names)
    statement = (
        update(FEEDBACK)
        .values({name: _value(given, name) for name in _CONTENT})
        .values({name: case((FEEDBACK.c.triaged, FEEDBACK.c[name]), else_=given.c[name]) for name in _MAILBOX})
        .where(FEEDBACK.c.project_id == given.c.project_id)
        .where(FEEDBACK.c.event_id == given.c.event_id)
        .where(FEEDBACK.c.revision < given.c.revision)
        .returning(FEEDBACK.c.project_id, FEEDBACK.c.event_id, FEEDBACK.c.id, FEEDBACK.c.status)
    )
    found = await connection.execute(statement, {"rows": _encode(rows)})
    return {(project, event): Stored(feedback_id, status) for project, event, feedback_id, status in found}


async def close_submissions(
    connection: Connection, closed: Mapping[SubmissionKey, tuple[int, str]], at: datetime
) -> set[SubmissionKey]:
    """Remember submissions that ended without a feedback, as (revision, reason); returns the new ones."""
    table = CLOSED_SUBMISSION
    statement = (
        insert(table)
        .values(
            [
                {"project_id": project, "event_id": event, "revision": revision, "reason": reason, "closed_at": at}
                for (project, event), (revision, reason) in sorted(closed.items())
            ]
        )
        .on_conflict_do_nothing()
        .returning(table.c.project_id, table.c.event_id)
    )
    return {(project, event) for project, event in await connection.execute(statement)}
