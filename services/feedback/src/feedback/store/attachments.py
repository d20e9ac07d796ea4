"""Records of attachments; their bytes are in the blob store under `blob_key`."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from hearback_contracts.reasons import Reason
from hearback_kit.db import Connection
from hearback_kit.db.prepared import Prepared
from hearback_kit.db.rows import columns, count_changed, find_record, is_among, list_records
from hearback_kit.db.rowsets import for_each
from sqlalchemy import Select, func, select, update
from sqlalchemy.dialects.postgresql import insert

from feedback.domain.feedback import Feedback
from feedback.store.keys import EventKey, is_by_event, is_of, is_of_event, key_parameters, keyset
from feedback.store.tables import ATTACHMENT, CLOSED_SUBMISSION, FEEDBACK

KEPT = ATTACHMENT.c.deleted_at.is_(None)
IS_KEPT = func.num_nulls(ATTACHMENT.c.deleted_at) == 1
"""The same of rows that other conditions find: no index of those that are kept is read for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAttachment:
    """An attachment to record; with `deleted_at`, as deleted."""

    attachment_id: str
    organization_id: int
    project_id: int
    event_id: str
    name: str
    content_type: str | None
    attachment_type: str
    size: int
    sha1: str
    blob_key: str
    received_at: datetime
    deleted_at: datetime | None = None
    deleted_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment(NewAttachment):
    """A recorded attachment."""

    id: int


_COLUMNS = columns(Attachment, ATTACHMENT)


async def find_with_attachments(connection: Connection, rows: Sequence[Feedback]) -> set[int]:
    """Return the ids of the rows that have attachments."""
    counts = await count_attachments(connection, [row.key for row in rows])
    return {row.id for row in rows if row.key in counts}


def _count_statement() -> Select[Any]:
    wanted = keyset()
    theirs = select(ATTACHMENT.c.id).where(is_by_event(wanted, ATTACHMENT), IS_KEPT)
    found = for_each(wanted, theirs, *wanted.c).subquery()
    key = found.c.project_id, found.c.event_id
    return select(*key, func.count()).group_by(*key)


_COUNT: Final = Prepared(_count_statement())


async def count_attachments(connection: Connection, keys: Collection[EventKey]) -> dict[EventKey, int]:
    """Count the attachments of events; events without any are left out."""
    if not keys:
        return {}
    rows = await _COUNT.execute(connection, **key_parameters(sorted(set(keys))))
    return {(project, event): count for project, event, count in rows}


async def record_attachments(connection: Connection, rows: Sequence[NewAttachment], at: datetime) -> set[str]:
    """Record attachments; return the `attachment_id`s that are new.

    A deleted one stays deleted. Bytes that were uploaded again under another key, or for a deleted attachment, are
    marked to be deleted.
    """
    statement = (
        insert(ATTACHMENT)
        .values([asdict(row) for row in sorted(rows, key=lambda row: row.attachment_id)])
        .on_conflict_do_nothing(index_elements=[ATTACHMENT.c.attachment_id])
        .returning(ATTACHMENT.c.attachment_id)
    )
    new = set((await connection.execute(statement)).scalars())
    if len(new) < len(rows):
        await _mark_repeated(connection, rows, new, at)
    return new


async def _mark_repeated(
    connection: Connection, rows: Sequence[NewAttachment], new: set[str], at: datetime
) -> None:
    ids = [row.attachment_id for row in rows]
    again = ATTACHMENT.c.attachment_id.in_([one for one in ids if one not in new])
    await connection.execute(
        update(ATTACHMENT).where(again & ATTACHMENT.c.deleted_at.is_not(None)).values(bytes_deleted=False)
    )
    found = select(ATTACHMENT.c.attachment_id, ATTACHMENT.c.blob_key).where(ATTACHMENT.c.attachment_id.in_(ids))
    kept = {row.attachment_id: row.blob_key for row in await connection.execute(found)}
    deleted = {"deleted_at": at, "deleted_reason": Reason.DUPLICATE.value}
    superfluous = [
        asdict(row) | deleted | {"attachment_id": upload_id_of(row.blob_key)}
        for row in rows
        if kept[row.attachment_id] != row.blob_key
    ]
    if superfluous:
        await connection.execute(insert(ATTACHMENT).values(superfluous).on_conflict_do_nothing())


def upload_id_of(blob_key: str) -> str:
    """Return the unique last part of a key, under which superfluous bytes are recorded."""
    return blob_key.rpartition("/")[2]


async def find_deleted_events(connection: Connection, keys: Sequence[EventKey], reason: str) -> set[EventKey]:
    """Return the events whose submission was closed with `reason`."""
    wanted = keyset(keys)
    closed = select(CLOSED_SUBMISSION.c.reason).where(is_of(wanted, CLOSED_SUBMISSION))
    found = for_each(wanted, closed.where(CLOSED_SUBMISSION.c.reason == reason), *wanted.c)
    return {(project, event) for project, event, _ in await connection.execute(found)}


async def delete_of_events(connection: Connection, keys: Sequence[EventKey], at: datetime, reason: str) -> int:
    """Mark the attachments of events as deleted, whose bytes a job deletes; return how many."""
    if not keys:
        return 0
    wanted = keyset(keys)
    chosen = for_each(wanted, select(ATTACHMENT.c.id).where(is_by_event(wanted, ATTACHMENT)))
    theirs = update(ATTACHMENT).where(is_among(ATTACHMENT.c.id, chosen), IS_KEPT)
    return await count_changed(connection, theirs.values(deleted_at=at, deleted_reason=reason))


async def delete_by_ids(connection: Connection, ids: Sequence[int], at: datetime, reason: str) -> list[Attachment]:
    """Mark attachments as deleted; return those that existed."""
    statement = (
        update(ATTACHMENT)
        .where(ATTACHMENT.c.id.in_(list(ids)), KEPT)
        .values(deleted_at=at, deleted_reason=reason)
        .returning(*_COLUMNS)
    )
    return await list_records(connection, Attachment, statement)


async def event_exists(connection: Connection, project_id: int, event_id: str) -> bool:
    """Return whether there is a feedback or any attachment with this event id."""
    feedback, attachment = (
        select(table.c.id).where(is_of_event(table, project_id, event_id)).exists()
        for table in (FEEDBACK, ATTACHMENT)
    )
    return bool((await connection.execute(select(feedback | attachment))).scalar_one())


async def list_attachments(
    connection: Connection,
    project_id: int,
    event_id: str,
    *,
    name_contains: Sequence[str] = (),
    limit: int,
    offset: int = 0,
) -> list[Attachment]:
    """Return an event's attachments in the order of their names."""
    names = [ATTACHMENT.c.name.icontains(part, autoescape=True) for part in name_contains]
    statement = (
        select(*_COLUMNS)
        .where(is_of_event(ATTACHMENT, project_id, event_id), IS_KEPT, *names)
        .order_by(ATTACHMENT.c.name, ATTACHMENT.c.id)
        .limit(limit)
        .offset(offset)
    )
    return await list_records(connection, Attachment, statement)


async def find_attachment(
    connection: Connection, project_id: int, event_id: str, attachment_id: int
) -> Attachment | None:
    """Return one attachment of an event, or None."""
    statement = select(*_COLUMNS).where(
        ATTACHMENT.c.id == attachment_id,
        ATTACHMENT.c.project_id == project_id,
        ATTACHMENT.c.event_id == event_id,
        KEPT,
    )
    return await find_record(connection, Attachment, statement)
