"""Writing feedback: a batch of new ones or revisions is one statement, whatever its size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson
from hearback_kit.db import Connection
from hearback_kit.db.prepared import Prepared
from hearback_kit.db.rowsets import rowset
from hearback_kit.values.times import AHEAD_MAX
from sqlalchemy import ColumnElement, Select, Text, case, delete, func, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningInsert
from sqlalchemy.sql.selectable import TableValuedAlias

from feedback.domain.drafts import Draft
from feedback.domain.feedback import Feedback
from feedback.domain.statuses import STATUSES
from feedback.store.feedback_read import LIST_COLUMNS, as_feedback
from feedback.store.tables import FEEDBACK

FeedbackKey = tuple[int, str]

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
    "error_occurred_at",
    "first_seen",
    "received_at",
)
_GIVEN = ("occurrence_id", "fingerprint", "short_id")
_MAILBOX = ("status", "substatus")
_DRAFTED = (*_FIXED, *_MAILBOX, *_CONTENT)


class Identity(NamedTuple):
    """What a feedback is given when it is stored, and keeps: the columns of `_GIVEN`."""

    occurrence_id: str
    fingerprint: str
    short_id: str


class Stored(NamedTuple):
    """A feedback that a revision changed; `is_triaged` says whether a person chose its status."""

    feedback_id: int
    status: str
    short_id: str
    is_triaged: bool


@dataclass(frozen=True, slots=True)
class Deleted:
    """A feedback that was deleted."""

    id: int
    organization_id: int
    project_id: int
    event_id: str
    submission_id: str
    revision: int
    source: str


_DELETED = tuple(
    FEEDBACK.c[name]
    for name in ("id", "organization_id", "project_id", "event_id", "submission_id", "revision", "source")
)


def _given(names: Sequence[str]) -> TableValuedAlias:
    return rowset(FEEDBACK, names, types={"search": Text()}, name="given")


def _columns_of(value: Draft | Identity, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(value, name) for name in names}


def _insert_new() -> str:
    """Return the statement that stores new feedback under given ids; its parameter `$1` is of `new_rows`."""
    names = ("id", *_DRAFTED, *_GIVEN)
    types = {name: str(FEEDBACK.c[name].type.compile(dialect=postgresql.dialect())) for name in names}  # type: ignore[no-untyped-call]
    given = ", ".join(f"{name} {types[name]}" for name in names).replace("search TSVECTOR", "search TEXT")
    values = ", ".join(names).replace("search", "to_tsvector('simple', search)")
    return (
        f"INSERT INTO feedback ({', '.join(names)})"
        f" SELECT {values} FROM jsonb_to_recordset($1::jsonb) AS given ({given})"
    )


INSERT_NEW: Final = _insert_new()


def new_rows(rows: Sequence[tuple[int, Draft, Identity]]) -> str:
    """Return feedback and their ids as `INSERT_NEW` takes them."""
    ordered = sorted(rows, key=lambda row: (row[1].project_id, row[1].event_id))
    given = [{"id": feedback_id, **vars(draft), **identity._asdict()} for feedback_id, draft, identity in ordered]
    return orjson.dumps(given).decode()


def _value(given: TableValuedAlias, name: str) -> ColumnElement[Any]:
    if name == "search":
        return func.to_tsvector("simple", given.c.search)
    column: ColumnElement[Any] = given.c[name]
    return column


def _insert_statement() -> ReturningInsert[Any]:
    names = (*_DRAFTED, *_GIVEN)
    given = _given(names)
    return (
        insert(FEEDBACK)
        .from_select(list(names), select(*(_value(given, name) for name in names)))
        .on_conflict_do_nothing(constraint="feedback_event")
        .returning(FEEDBACK.c.id, FEEDBACK.c.project_id, FEEDBACK.c.event_id)
    )


_INSERT: Final = Prepared(_insert_statement())


async def insert_feedback(
    connection: Connection, rows: Sequence[tuple[Draft, Identity]]
) -> dict[FeedbackKey, int]:
    """Store new feedback; return the ids of those that were not stored already, by project and event."""
    ordered = sorted(rows, key=lambda row: (row[0].project_id, row[0].event_id))
    given = [_columns_of(draft, _DRAFTED) | _columns_of(identity, _GIVEN) for draft, identity in ordered]
    found = await _INSERT.execute(connection, rows=orjson.dumps(given).decode())
    return {(project, event): feedback_id for feedback_id, project, event in found}


async def update_feedback(connection: Connection, drafts: Sequence[Draft]) -> dict[FeedbackKey, Stored]:
    """Replace the content of stored feedback by higher revisions; return those that changed.

    The new spam verdict decides the mailbox unless a person has.
    """
    names = ("project_id", "event_id", *_MAILBOX, *_CONTENT)
    given = _given(names)
    statement = (
        update(FEEDBACK)
        .values({name: _value(given, name) for name in _CONTENT})
        .values({name: case((FEEDBACK.c.triaged, FEEDBACK.c[name]), else_=given.c[name]) for name in _MAILBOX})
        .where(FEEDBACK.c.project_id == given.c.project_id)
        .where(FEEDBACK.c.event_id == given.c.event_id)
        .where(FEEDBACK.c.revision < given.c.revision)
        .returning(
            FEEDBACK.c.project_id,
            FEEDBACK.c.event_id,
            FEEDBACK.c.id,
            FEEDBACK.c.status,
            FEEDBACK.c.short_id,
            FEEDBACK.c.triaged,
        )
    )
    found = await connection.execute(statement, {"rows": [_columns_of(draft, names) for draft in drafts]})
    return {(project, event): Stored(*values) for project, event, *values in found}


async def change_feedback(connection: Connection, ids: Sequence[int], changes: Mapping[str, Any]) -> None:
    """Set columns of locked feedback."""
    if ids and changes:
        chosen = FEEDBACK.c.id.in_(list(ids))
        await connection.execute(update(FEEDBACK).where(chosen).values(dict(changes)))


def _locked(organization_id: int, project_ids: Sequence[int], ids: Sequence[int]) -> Any:
    return (
        select(*LIST_COLUMNS)
        .where(
            FEEDBACK.c.id.in_(list(ids)),
            FEEDBACK.c.organization_id == organization_id,
            FEEDBACK.c.project_id.in_(list(project_ids)),
        )
        .order_by(FEEDBACK.c.id)
        .with_for_update()
    )


async def lock_feedback(
    connection: Connection, organization_id: int, project_ids: Sequence[int], ids: Sequence[int]
) -> list[Feedback]:
    """Lock feedback in the order of their ids; return those that exist in the organization's projects.

    The order keeps two requests from waiting for each other.
    """
    statement = _locked(organization_id, project_ids, ids)
    return [as_feedback(row) for row in await connection.execute(statement)]


async def lock_expired(connection: Connection, project_id: int, before: datetime, limit: int) -> list[int]:
    """Lock at most `limit` of a project's feedback received before a time; return their ids."""
    return list((await connection.execute(expired_statement(project_id, before, limit))).scalars())


def expired_statement(project_id: int, before: datetime, limit: int) -> Select[Any]:
    """Return the statement that locks what was received before a time, in the order of the index of lists.

    What was received before a time was also written before it, give or take what clocks may be ahead.
    """
    return (
        select(FEEDBACK.c.id)
        .where(
            FEEDBACK.c.project_id == project_id,
            FEEDBACK.c.status.in_(list(STATUSES)),
            FEEDBACK.c.first_seen < before + AHEAD_MAX,
            FEEDBACK.c.received_at < before,
        )
        .order_by(FEEDBACK.c.status, FEEDBACK.c.first_seen.desc(), FEEDBACK.c.id.desc())
        .limit(limit)
        .with_for_update(skip_locked=True)
    )


async def delete_feedback(connection: Connection, ids: Sequence[int]) -> list[Deleted]:
    """Delete feedback by id; return what was deleted."""
    if not ids:
        return []
    statement = delete(FEEDBACK).where(FEEDBACK.c.id.in_(list(ids))).returning(*_DELETED)
    return [Deleted(*row) for row in await connection.execute(statement)]
