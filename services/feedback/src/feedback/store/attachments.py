"""Attachments: what is recorded of them. Their bytes lie in the blob store under `blob_key`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from hearback_contracts.reasons import Reason
from hearback_kit.db import Connection
from sqlalchemy import BigInteger, ColumnElement, Row, Text, cast, delete, func, select, update
from sqlalchemy import column as sql_column
from sqlalchemy.dialects.postgresql import ARRAY, insert

from feedback.store.tables import ATTACHMENT, CLOSED_SUBMISSION, FEEDBACK

EventKey = tuple[int, str]
_KEPT = ATTACHMENT.c.deleted_at.is_(None)


def _events(keys: Sequence[EventKey]) -> Any:
    arrays = func.unnest(
        cast([project for project, _ in keys], ARRAY(BigInteger)),
        cast([event for _, event in keys], ARRAY(Text)),
    )
    columns = sql_column("project_id", BigInteger), sql_column("event_id", Text)
    return arrays.table_valued(*columns).render_derived(name="wanted")


def _is_of(wanted: Any, table: Any) -> ColumnElement[bool]:
    same: ColumnElement[bool] = (table.c.project_id == wanted.c.project_id) & (
        table.c.event_id == wanted.c.event_id
    )
    return same


async def find_with_attachments(connection: Connection, rows: Sequence[Any]) -> set[int]:
    """Ids of those feedback rows that have attachments: one statement for a whole page."""
    if not rows:
        return set()
    ids = {(row.project_id, row.event_id): row.id for row in rows}
    wanted = _events(list(ids))
    found = select(wanted.c.project_id, wanted.c.event_id).where(
        select(ATTACHMENT.c.id).where(_is_of(wanted, ATTACHMENT), _KEPT).exists()
    )
    return {ids[project, event] for project, event in await connection.execute(found)}


async def record(connection: Connection, rows: Sequence[Mapping[str, Any]], at: datetime) -> set[str]:
    """Record attachments; returns the `attachment_id`s that are new.

    One that was deleted before stays deleted. Bytes that came again, under a key of their own, are marked
    to be deleted, and so are those that came again under the key of a deleted attachment.
    """
    statement = (
        insert(ATTACHMENT)
        .values(sorted(rows, key=lambda row: str(row["attachment_id"])))
        .on_conflict_do_nothing(index_elements=[ATTACHMENT.c.attachment_id])
        .returning(ATTACHMENT.c.attachment_id)
    )
    new = set((await connection.execute(statement)).scalars())
    if len(new) < len(rows):
        await _mark_repeated(connection, rows, new, at)
    return new


async def _mark_repeated(
    connection: Connection, rows: Sequence[Mapping[str, Any]], new: set[str], at: datetime
) -> None:
    ids = [row["attachment_id"] for row in rows]
    again = ATTACHMENT.c.attachment_id.in_([one for one in ids if one not in new])
    await connection.execute(
        update(ATTACHMENT).where(again & ATTACHMENT.c.deleted_at.is_not(None)).values(bytes_deleted=False)
    )
    found = select(ATTACHMENT.c.attachment_id, ATTACHMENT.c.blob_key).where(ATTACHMENT.c.attachment_id.in_(ids))
    kept = {row.attachment_id: row.blob_key for row in await connection.execute(found)}
    superfluous = [
        {
            **row,
            "attachment_id": upload_id_of(row["blob_key"]),
            "deleted_at": at,
            "deleted_reason": Reason.DUPLICATE.value,
        }
        for row in rows
        if kept[row["attachment_id"]] != row["blob_key"]
    ]
    if superfluous:
        await connection.execute(insert(ATTACHMENT).values(superfluous).on_conflict_do_nothing())


def upload_id_of(blob_key: str) -> str:
    """What makes a key unique, its last part: the id under which superfluous bytes are marked."""
    return blob_key.rpartition("/")[2]


async def find_deleted_events(connection: Connection, keys: Sequence[EventKey], reason: str) -> set[EventKey]:
    """Those of the events whose feedback was closed for `reason`."""
    wanted = _events(keys)
    found = select(wanted.c.project_id, wanted.c.event_id).join(
        CLOSED_SUBMISSION, _is_of(wanted, CLOSED_SUBMISSION) & (CLOSED_SUBMISSION.c.reason == reason)
    )
    return {(project, event) for project, event in await connection.execute(found)}


async def delete_of_events(connection: Connection, keys: Sequence[EventKey], at: datetime, reason: str) -> None:
    """Delete the attachments of events; their bytes follow after the commit."""
    if not keys:
        return
    wanted = _events(keys)
    await connection.execute(
        update(ATTACHMENT).where(_is_of(wanted, ATTACHMENT), _KEPT).values(deleted_at=at, deleted_reason=reason)
    )


async def delete_by_ids(connection: Connection, ids: Sequence[int], at: datetime, reason: str) -> list[Row[Any]]:
    """Delete attachments by their ids; returns the rows that were there."""
    statement = (
        update(ATTACHMENT)
        .where(ATTACHMENT.c.id.in_(list(ids)), _KEPT)
        .values(deleted_at=at, deleted_reason=reason)
        .returning(*ATTACHMENT.c)
    )
    return list(await connection.execute(statement))


async def event_exists(connection: Connection, project_id: int, event_id: str) -> bool:
    """Whether there is a feedback or any attachment with this event id."""
    feedback = select(FEEDBACK.c.id).where(FEEDBACK.c.project_id == project_id, FEEDBACK.c.event_id == event_id)
    attachment = select(ATTACHMENT.c.id).where(
        ATTACHMENT.c.project_id == project_id, ATTACHMENT.c.event_id == event_id
    )
    return bool((await connection.execute(select(feedback.exists() | attachment.exists()))).scalar_one())


async def list_attachments(
    connection: Connection,
    project_id: int,
    event_id: str,
    *,
    name_contains: Sequence[str] = (),
    limit: int,
    offset: int = 0,
) -> list[Row[Any]]:
    """An event's attachments in the order of their names."""
    names = [ATTACHMENT.c.name.icontains(part, autoescape=True) for part in name_contains]
    statement = (
        select(ATTACHMENT)
        .where(ATTACHMENT.c.project_id == project_id, ATTACHMENT.c.event_id == event_id, _KEPT, *names)
        .order_by(ATTACHMENT.c.name, ATTACHMENT.c.id)
        .limit(limit)
        .offset(offset)
    )
    return list(await connection.execute(statement))


async def find_attachment(
    connection: Connection, project_id: int, event_id: str, attachment_id: int
) -> Row[Any] | None:
    """One attachment of an event, or None."""
    statement = select(ATTACHMENT).where(
        ATTACHMENT.c.id == attachment_id,
        ATTACHMENT.c.project_id == project_id,
        ATTACHMENT.c.event_id == event_id,
        _KEPT,
    )
    return (await connection.execute(statement)).one_or_none()


async def list_projects(connection: Connection) -> list[int]:
    """Projects that have attachments."""
    return list((await connection.execute(select(ATTACHMENT.c.project_id).where(_KEPT).distinct())).scalars())


async def list_expired(connection: Connection, project_id: int, before: datetime, limit: int) -> list[int]:
    """Ids of a project's attachments received before a time, the oldest first."""
    statement = (
        select(ATTACHMENT.c.id)
        .where(ATTACHMENT.c.project_id == project_id, ATTACHMENT.c.received_at < before, _KEPT)
        .order_by(ATTACHMENT.c.received_at)
        .limit(limit)
    )
    return list((await connection.execute(statement)).scalars())


async def mark_feedback_found(connection: Connection, before: datetime) -> None:
    """Remember of attachments received before a time that their feedback is there."""
    known = select(FEEDBACK.c.id).where(
        FEEDBACK.c.project_id == ATTACHMENT.c.project_id, FEEDBACK.c.event_id == ATTACHMENT.c.event_id
    )
    await connection.execute(update(ATTACHMENT).where(_orphan(before), known.exists()).values(event_found=True))


def _orphan(before: datetime) -> ColumnElement[bool]:
    return ~ATTACHMENT.c.event_found & _KEPT & (ATTACHMENT.c.received_at < before)


async def list_orphans(connection: Connection, before: datetime, limit: int, after: int = 0) -> list[Row[Any]]:
    """Attachments received before a time whose event was not seen yet, in the order of their ids."""
    statement = (
        select(ATTACHMENT.c.id, ATTACHMENT.c.project_id, ATTACHMENT.c.event_id)
        .where(_orphan(before), ATTACHMENT.c.id > after)
        .order_by(ATTACHMENT.c.id)
        .limit(limit)
    )
    return list(await connection.execute(statement))


async def mark_found(connection: Connection, ids: Sequence[int]) -> None:
    """Remember of attachments that their event is there."""
    await connection.execute(update(ATTACHMENT).where(ATTACHMENT.c.id.in_(list(ids))).values(event_found=True))


async def take_pending(connection: Connection, limit: int) -> list[Row[Any]]:
    """Deleted attachments whose bytes are still there, locked for whoever deletes them."""
    statement = (
        select(ATTACHMENT.c.id, ATTACHMENT.c.blob_key)
        .where(ATTACHMENT.c.deleted_at.is_not(None), ~ATTACHMENT.c.bytes_deleted)
        .order_by(ATTACHMENT.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(await connection.execute(statement))


async def mark_bytes_deleted(connection: Connection, ids: Sequence[int]) -> None:
    """Remember that the bytes are gone."""
    await connection.execute(update(ATTACHMENT).where(ATTACHMENT.c.id.in_(list(ids))).values(bytes_deleted=True))


async def forget(connection: Connection, before: datetime) -> None:
    """Forget attachments deleted before a time."""
    await connection.execute(
        delete(ATTACHMENT).where(ATTACHMENT.c.bytes_deleted, ATTACHMENT.c.deleted_at < before)
    )


async def find_known_keys(connection: Connection, keys: Sequence[str]) -> set[str]:
    """Those blob keys that belong to an attachment, deleted ones with pending bytes included."""
    ids = [part for key in keys for part in key.split("/")[2:]]
    statement = select(ATTACHMENT.c.blob_key).where(
        ATTACHMENT.c.attachment_id.in_(ids), ATTACHMENT.c.blob_key.in_(list(keys)), ~ATTACHMENT.c.bytes_deleted
    )
    return set((await connection.execute(statement)).scalars())


async def list_keys(connection: Connection, after: int, limit: int) -> list[Row[Any]]:
    """Ids and blob keys of kept attachments with ids above `after`."""
    statement = (
        select(ATTACHMENT.c.id, ATTACHMENT.c.blob_key)
        .where(_KEPT, ATTACHMENT.c.id > after)
        .order_by(ATTACHMENT.c.id)
        .limit(limit)
    )
    return list(await connection.execute(statement))
