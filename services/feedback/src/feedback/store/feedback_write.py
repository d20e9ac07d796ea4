"""Write feedback: a batch of new ones or of revisions is one statement, whatever its size."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Any, Final, NamedTuple

import msgspec
from hearback_kit.db import Connection
from hearback_kit.db.lines import Lines, from_lines, several_of
from hearback_kit.db.planning import IN_ORDER
from hearback_kit.db.rows import columns, is_among
from hearback_kit.db.rowsets import for_each, rowset
from hearback_kit.values.times import AHEAD_MAX, iso_time
from sqlalchemy import ColumnElement, Select, Text, and_, case, delete, func, literal, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import TypeEngine

from feedback.domain.drafts import Draft
from feedback.domain.feedback import Feedback
from feedback.domain.statuses import REGRESSED, RESOLVED, STATUSES, UNRESOLVED
from feedback.store.compact_rows import compact
from feedback.store.feedback_read import LIST_COLUMNS, as_feedback
from feedback.store.keys import EventKey, is_by_event
from feedback.store.tables import FEEDBACK

_KEY: Final = ("project_id", "event_id")
_FIXED: Final = frozenset(
    {"organization_id", "project_id", "event_id", "source", "error_occurred_at", "first_seen", "received_at"}
)
MAILBOX: Final = ("status", "substatus")
_DRAFTED: Final = tuple(field.name for field in fields(Draft))
CONTENT: Final = tuple(name for name in _DRAFTED if name not in {*_FIXED, *MAILBOX})
"""The columns of what a feedback says, which revisions replace."""


class Identity(NamedTuple):
    """The columns that a feedback is given when it is stored, and keeps."""

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
    """A feedback that was deleted; `repeats` is the submission under whose id it was sent, if not its own."""

    id: int
    organization_id: int
    project_id: int
    event_id: str
    submission_id: str
    revision: int
    source: str
    repeats: str | None


_DELETED: Final = columns(Deleted, FEEDBACK, repeats=FEEDBACK.c.evidence["repeats"].astext)


# In the order in which `new_rows` has them.
_CONVERTED: Final = (
    "id", "organization_id", "project_id", "revision", "error_occurred_at", "first_seen", "received_at",
    "tags", "evidence", "event", "facets",
)  # fmt: skip
_TEXTS: Final = tuple(name for name in _DRAFTED if name not in _CONVERTED)
_texts: Final = attrgetter(*_TEXTS)
_COLUMNS: Final = (*_CONVERTED, *_TEXTS, *Identity._fields)
_encode: Final = msgspec.json.Encoder().encode


def _insert(*, with_ids: bool) -> str:
    """Return the statement that stores new feedback; its parameters `$1` and `$2` are `new_rows`."""
    fields = {name: f"field[{place}]" for place, name in enumerate(_COLUMNS, 1) if with_ids or name != "id"}
    values = {name: f"{field}::{_type_of(name)}" for name, field in fields.items()}
    values["facets"] = several_of(fields["facets"], 1)
    values["search"] = f"to_tsvector('simple', {fields['search']})"
    return f"INSERT INTO feedback ({', '.join(values)}) SELECT {', '.join(values.values())} FROM {from_lines(1)}"


def _type_of(name: str) -> str:
    return str(FEEDBACK.c[name].type.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]


INSERT_NEW: Final = _insert(with_ids=True)
_INSERT: Final = (
    f"{_insert(with_ids=False)} ON CONFLICT ON CONSTRAINT feedback_event DO NOTHING"
    " RETURNING id, project_id, event_id"
)


def new_rows(rows: Iterable[tuple[int | None, Draft, Identity]], *, is_compact: bool) -> tuple[str, str]:
    """Return feedback and their ids, if they are known, as the first two parameters of inserting statements."""
    lines = Lines()
    for feedback_id, draft, identity in sorted(rows, key=lambda row: (row[1].project_id, row[1].event_id)):
        evidence, event = compact(draft) if is_compact else (draft.evidence, draft.event)
        error_at = draft.error_occurred_at
        lines.add(
            (
                None if feedback_id is None else str(feedback_id),
                str(draft.organization_id),
                str(draft.project_id),
                str(draft.revision),
                None if error_at is None else iso_time(error_at),
                iso_time(draft.first_seen),
                iso_time(draft.received_at),
                _encode(draft.tags).decode(),
                _encode(evidence).decode(),
                _encode(event).decode(),
                lines.several(draft.facets),
                *_texts(draft),
                *identity,
            )
        )
    return lines.parameters()


async def insert_feedback(
    connection: Connection, rows: Iterable[tuple[Draft, Identity]], *, is_compact: bool = False
) -> dict[EventKey, int]:
    """Store new feedback; return the ids of those that were not stored already."""
    given = new_rows(((None, draft, identity) for draft, identity in rows), is_compact=is_compact)
    found = await connection.exec_driver_sql(_INSERT, given)
    return {(row.project_id, row.event_id): row.id for row in found}


def given_rows(*keys: str, **others: TypeEngine[Any]) -> TableValuedAlias:
    """Return the parameter `rows` as a table with these key columns and the mailbox and content of drafts.

    `others` are the types of further columns, which the table does not have.
    """
    names = (*keys, *MAILBOX, *CONTENT, *others)
    return rowset(FEEDBACK, names, types={"search": Text(), **others}, name="given")


def given_value(given: TableValuedAlias, name: str) -> ColumnElement[Any]:
    """Return the value of `given_rows` for a column."""
    if name == "search":
        return func.to_tsvector("simple", given.c.search)
    column: ColumnElement[Any] = given.c[name]
    return column


async def update_feedback(connection: Connection, drafts: Sequence[Draft]) -> dict[EventKey, Stored]:
    """Replace the content of stored feedback by higher revisions; return those that changed.

    The new spam verdict decides the mailbox unless a person has; other words than those that were read are unread,
    and return to the inbox when a person has resolved what was said before, unless they are spam.
    """
    given, again = given_rows(*_KEY), rowset(FEEDBACK, _KEY, name="again")
    # Named twice, so that feedback is looked up: a join with the batch alone may read all of it.
    chosen = for_each(again, select(FEEDBACK.c.id).where(is_by_event(again, FEEDBACK)))
    is_reopened = and_(
        FEEDBACK.c.status == RESOLVED, FEEDBACK.c.message != given.c.message, given.c.status == UNRESOLVED
    )
    reopened = {"status": UNRESOLVED, "substatus": REGRESSED}
    mailbox = {
        name: case((is_reopened, reopened[name]), (FEEDBACK.c.triaged, FEEDBACK.c[name]), else_=given.c[name])
        for name in MAILBOX
    }
    details = FEEDBACK.c.status_details
    statement = (
        update(FEEDBACK)
        .values({name: given_value(given, name) for name in CONTENT})
        .values(mailbox)
        .values(status_details=case((is_reopened, literal({}, details.type)), else_=details))
        .values(has_seen=and_(FEEDBACK.c.has_seen, FEEDBACK.c.message == given.c.message))
        .where(is_among(FEEDBACK.c.id, chosen), is_by_event(given, FEEDBACK))
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
    found = await connection.execute(statement, {"rows": [vars(draft) for draft in drafts]})
    return {(project, event): Stored(*values) for project, event, *values in found}


async def change_feedback(connection: Connection, ids: Sequence[int], changes: Mapping[str, Any]) -> None:
    """Set columns of locked feedback."""
    if ids and changes:
        chosen = FEEDBACK.c.id.in_(list(ids))
        await connection.execute(update(FEEDBACK).where(chosen).values(dict(changes)))


async def lock_feedback(
    connection: Connection, organization_id: int, project_ids: Sequence[int], ids: Sequence[int]
) -> list[Feedback]:
    """Lock feedback in the order of their ids; return those that exist in the organization's projects.

    The order keeps two requests from waiting for each other.
    """
    statement = (
        select(*LIST_COLUMNS)
        .where(
            FEEDBACK.c.id.in_(list(ids)),
            FEEDBACK.c.organization_id == organization_id,
            FEEDBACK.c.project_id.in_(list(project_ids)),
        )
        .order_by(FEEDBACK.c.id)
        .with_for_update()
    )
    return [as_feedback(row) for row in await connection.execute(statement)]


async def lock_expired(connection: Connection, project_id: int, before: datetime, limit: int) -> list[int]:
    """Lock at most `limit` of a project's feedback received before a time; return their ids."""
    await connection.execute(IN_ORDER)
    return list((await connection.execute(expired_statement(project_id, before, limit))).scalars())


def expired_statement(project_id: int, before: datetime, limit: int) -> Select[Any]:
    """Return the statement that locks what was received before a time, in the order of the index of lists.

    What was received before a time was also written before it, but for what a sender's clock may be ahead.
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
