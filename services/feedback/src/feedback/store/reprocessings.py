"""Reprocess stored feedback: read by windows of ids, compare and write in bulk; ids, source and times stay."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from hearback_kit.db import Connection
from sqlalchemy import ColumnElement, Text, case, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB, array
from sqlalchemy.sql.selectable import TableValuedAlias

from feedback.domain.drafts import Draft
from feedback.domain.feedback import FeedbackDetail
from feedback.store.compact_rows import compact
from feedback.store.feedback_read import DETAIL_COLUMNS, list_details
from feedback.store.feedback_write import CONTENT, MAILBOX, given_rows, given_value
from feedback.store.tables import FEEDBACK

_CONTENT: Final = tuple(name for name in CONTENT if name not in {"submission_id", "revision"})
_COMPACT: Final = {"evidence": "compact_evidence", "event": "compact_event"}


async def last_of_window(connection: Connection, after: int, rows_max: int) -> int | None:
    """Return the last id of the next `rows_max` feedback after an id, or None."""
    ids = select(FEEDBACK.c.id).where(FEEDBACK.c.id > after).order_by(FEEDBACK.c.id).limit(rows_max).subquery()
    last: int | None = await connection.scalar(select(func.max(ids.c.id)))
    return last


async def lock_received(
    connection: Connection, ids: tuple[int, int], received: tuple[datetime, datetime], project_id: int | None
) -> list[FeedbackDetail]:
    """Lock and return feedback within (first, last] ids and [start, end) times of receipt."""
    statement = (
        select(*DETAIL_COLUMNS)
        .where(FEEDBACK.c.id > ids[0], FEEDBACK.c.id <= ids[1])
        .where(FEEDBACK.c.received_at >= received[0], FEEDBACK.c.received_at < received[1])
        .order_by(FEEDBACK.c.id)
        .with_for_update()
    )
    if project_id is not None:
        statement = statement.where(FEEDBACK.c.project_id == project_id)
    return await list_details(connection, statement)


def _differs(given: TableValuedAlias, *, may_be_compact: bool) -> dict[str, ColumnElement[bool]]:
    """Return whether each column differs; the mailbox only if no person chose it.

    With `may_be_compact`, evidence and event may also be without what columns hold.
    """
    content = {name: FEEDBACK.c[name].is_distinct_from(given_value(given, name)) for name in _CONTENT}
    if may_be_compact:
        for name, other in _COMPACT.items():
            content[name] &= FEEDBACK.c[name].is_distinct_from(given.c[other])
    return {"status": _moves(given)} | content


def _moves(given: TableValuedAlias) -> ColumnElement[bool]:
    return FEEDBACK.c.triaged.is_(False) & (FEEDBACK.c.status != given.c.status)


async def find_changes(
    connection: Connection, drafts: Sequence[tuple[int, Draft]], *, may_be_compact: bool
) -> dict[int, list[str]]:
    """Return by id the columns in which locked feedback differ from drafts, without unchanged ones.

    Unless rows `may_be_compact`, those that are differ.
    """
    if not drafts:
        return {}
    given = given_rows("id", **dict.fromkeys(_COMPACT.values(), JSONB()))
    differs = _differs(given, may_be_compact=may_be_compact)
    names = func.array_remove(
        array([case((differ, name), else_=None) for name, differ in differs.items()]), literal(None, Text)
    )
    statement = select(FEEDBACK.c.id, names).join(given, given.c.id == FEEDBACK.c.id).where(or_(*differs.values()))
    compacted = [dict(zip(_COMPACT.values(), compact(draft), strict=True)) for _, draft in drafts]
    given_drafts = [row | other for row, other in zip(_rows(drafts), compacted, strict=True)]
    rows = await connection.execute(statement, {"rows": given_drafts})
    return {feedback_id: list(changed) for feedback_id, changed in rows}


async def write_changes(connection: Connection, drafts: Sequence[tuple[int, Draft]]) -> None:
    """Overwrite locked feedback with drafts; triaged ones keep their mailbox."""
    if not drafts:
        return
    given = given_rows("id")
    moves = _moves(given)
    statement = (
        update(FEEDBACK)
        .values({name: given_value(given, name) for name in _CONTENT})
        .values({name: case((moves, given.c[name]), else_=FEEDBACK.c[name]) for name in MAILBOX})
        .where(FEEDBACK.c.id == given.c.id)
    )
    await connection.execute(statement, {"rows": _rows(drafts)})


def _rows(drafts: Sequence[tuple[int, Draft]]) -> list[dict[str, Any]]:
    return [{"id": feedback_id, **vars(draft)} for feedback_id, draft in drafts]
