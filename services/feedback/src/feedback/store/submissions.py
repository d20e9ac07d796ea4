"""The result of submissions: stored as a feedback, or closed without one.

A submission is identified by its project and event. Refused and deleted ones stay closed, so that a redelivery
changes nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from hearback_kit.db import Connection
from hearback_kit.db.prepared import Prepared
from hearback_kit.db.rows import count_changed, delete_some
from hearback_kit.db.rowsets import for_each
from sqlalchemy import BigInteger, CompoundSelect, Text, case, false, func, literal, select, update
from sqlalchemy.dialects.postgresql import Insert, insert

from feedback.domain.statuses import IGNORED
from feedback.store.feedback_write import Deleted
from feedback.store.keys import EventKey, is_by_event, is_of, key_parameters, keyset
from feedback.store.tables import CLOSED_SUBMISSION, FEEDBACK


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored of a submission: its feedback's id and status, or the reason why it has none.

    `is_spam` is what a person chose, or else the verdict.
    """

    feedback_id: int | None
    revision: int
    reason: str | None = None
    status: str | None = None
    is_spam: bool = False
    message: str | None = None
    name: str | None = None
    contact_email: str | None = None

    @property
    def content(self) -> tuple[str | None, ...]:
        """What repeats of it are compared by."""
        return self.message, self.name, self.contact_email


def _find_statement() -> CompoundSelect[Any]:
    wanted, table = keyset(), CLOSED_SUBMISSION
    stored = select(
        FEEDBACK.c.id,
        FEEDBACK.c.revision,
        literal(None, Text).label("reason"),
        FEEDBACK.c.status,
        case(
            (FEEDBACK.c.triaged, FEEDBACK.c.status == IGNORED),
            else_=FEEDBACK.c.evidence["is_spam"].astext.is_not_distinct_from("true"),
        ),
        *(FEEDBACK.c.message, FEEDBACK.c.name, FEEDBACK.c.contact_email),
    ).where(is_by_event(wanted, FEEDBACK))
    closed = select(
        literal(None, BigInteger),
        table.c.revision,
        table.c.reason,
        literal(None, Text),
        false(),
        *(literal(None, Text) for _ in range(3)),
    ).where(is_of(wanted, table))
    return for_each(wanted, closed, *wanted.c).union_all(for_each(wanted, stored, *wanted.c))


_FIND: Final = Prepared(_find_statement())


async def find_known(connection: Connection, keys: Sequence[EventKey]) -> dict[EventKey, Known]:
    """Return what is stored of these submissions."""
    rows = await _FIND.execute(connection, **key_parameters(keys))
    found: dict[EventKey, Known] = {}
    for project_id, event_id, *values in rows:
        known = Known(*values)
        if known.feedback_id is not None or (project_id, event_id) not in found:
            found[project_id, event_id] = known
    return found


def _insert_closed(closed: Mapping[EventKey, tuple[int, str]], at: datetime) -> Insert:
    rows = [
        {"project_id": project, "event_id": event, "revision": revision, "reason": reason, "closed_at": at}
        for (project, event), (revision, reason) in sorted(closed.items())
    ]
    return insert(CLOSED_SUBMISSION).values(rows)


async def close_refused(
    connection: Connection, refused: Mapping[EventKey, tuple[int, str]], at: datetime
) -> set[EventKey]:
    """Close submissions that were refused, as (revision, reason); return those that were not closed before."""
    table = CLOSED_SUBMISSION
    statement = (
        _insert_closed(refused, at).on_conflict_do_nothing().returning(table.c.project_id, table.c.event_id)
    )
    return {(project, event) for project, event in await connection.execute(statement)}


async def change_reason(connection: Connection, key: EventKey, before: Collection[str], reason: str) -> bool:
    """Give a closed submission another reason; return False unless it had one of those of `before`."""
    table = CLOSED_SUBMISSION
    project_id, event_id = key
    statement = update(table).where(
        table.c.project_id == project_id, table.c.event_id == event_id, table.c.reason.in_(map(str, before))
    )
    return await count_changed(connection, statement.values(reason=reason)) > 0


async def close_deleted(connection: Connection, deleted: Sequence[Deleted], at: datetime, reason: str) -> None:
    """Close the submissions of deleted feedback, also those that were closed before."""
    if not deleted:
        return
    closed = {(feedback.project_id, feedback.event_id): (feedback.revision, reason) for feedback in deleted}
    table, statement = CLOSED_SUBMISSION, _insert_closed(closed, at)
    statement = statement.on_conflict_do_update(
        index_elements=[table.c.project_id, table.c.event_id],
        set_={
            "revision": func.greatest(table.c.revision, statement.excluded.revision),
            "reason": statement.excluded.reason,
            "closed_at": statement.excluded.closed_at,
        },
    )
    await connection.execute(statement)


async def forget_closed(connection: Connection, before: datetime, limit: int) -> int:
    """Forget at most `limit` submissions that were closed before a time; return how many."""
    table = CLOSED_SUBMISSION
    return await delete_some(connection, table, table.c.closed_at < before, limit=limit, skip_locked=True)
