"""Queries of the jobs that delete attachments: expired ones, orphans, and the bytes of deleted ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hearback_kit.db import Connection
from hearback_kit.db.rowsets import one_by_one
from sqlalchemy import ColumnElement, delete, select, update

from feedback.store.attachments import KEPT
from feedback.store.keys import is_by_event
from feedback.store.tables import ATTACHMENT, FEEDBACK

CHUNK_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class Orphan:
    """An attachment whose event has not been found."""

    id: int
    project_id: int
    event_id: str


@dataclass(frozen=True, slots=True)
class Blob:
    """An attachment's bytes in the blob store."""

    id: int
    blob_key: str


async def list_projects(connection: Connection) -> list[int]:
    return list((await connection.execute(select(ATTACHMENT.c.project_id).where(KEPT).distinct())).scalars())


async def list_expired(connection: Connection, project_id: int, before: datetime, limit: int) -> list[int]:
    """Return ids of a project's attachments received before a time, oldest first."""
    statement = (
        select(ATTACHMENT.c.id)
        .where(ATTACHMENT.c.project_id == project_id, ATTACHMENT.c.received_at < before, KEPT)
        .order_by(ATTACHMENT.c.received_at)
        .limit(limit)
    )
    return list((await connection.execute(statement)).scalars())


async def mark_feedback_found(connection: Connection, before: datetime) -> None:
    """Mark attachments received before a time whose feedback exists."""
    known = one_by_one(select(FEEDBACK.c.id).where(is_by_event(ATTACHMENT, FEEDBACK)))
    await connection.execute(update(ATTACHMENT).where(_orphan(before), known.exists()).values(event_found=True))


def _orphan(before: datetime) -> ColumnElement[bool]:
    return ~ATTACHMENT.c.event_found & KEPT & (ATTACHMENT.c.received_at < before)


async def list_orphans(connection: Connection, before: datetime, limit: int, after: int = 0) -> list[Orphan]:
    """Return attachments received before a time whose event has not been found, in order of id."""
    statement = (
        select(ATTACHMENT.c.id, ATTACHMENT.c.project_id, ATTACHMENT.c.event_id)
        .where(_orphan(before), ATTACHMENT.c.id > after)
        .order_by(ATTACHMENT.c.id)
        .limit(limit)
    )
    return [Orphan(*row) for row in await connection.execute(statement)]


async def mark_found(connection: Connection, ids: Sequence[int]) -> None:
    """Mark attachments whose event exists."""
    await connection.execute(update(ATTACHMENT).where(ATTACHMENT.c.id.in_(list(ids))).values(event_found=True))


async def take_pending(connection: Connection, limit: int) -> list[Blob]:
    """Lock and return deleted attachments whose bytes are still stored, skipping locked rows."""
    statement = (
        select(ATTACHMENT.c.id, ATTACHMENT.c.blob_key)
        .where(ATTACHMENT.c.deleted_at.is_not(None), ~ATTACHMENT.c.bytes_deleted)
        .order_by(ATTACHMENT.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [Blob(*row) for row in await connection.execute(statement)]


async def mark_bytes_deleted(connection: Connection, ids: Sequence[int]) -> None:
    """Record that the bytes are deleted."""
    await connection.execute(update(ATTACHMENT).where(ATTACHMENT.c.id.in_(list(ids))).values(bytes_deleted=True))


async def forget(connection: Connection, before: datetime) -> None:
    """Delete records of attachments that were deleted before a time."""
    await connection.execute(
        delete(ATTACHMENT).where(ATTACHMENT.c.bytes_deleted, ATTACHMENT.c.deleted_at < before)
    )


async def find_known_keys(connection: Connection, keys: Sequence[str]) -> set[str]:
    """Return the keys that belong to an attachment, including deleted ones with pending bytes."""
    ids = [part for key in keys for part in key.split("/")[2:]]
    statement = select(ATTACHMENT.c.blob_key).where(
        ATTACHMENT.c.attachment_id.in_(ids), ATTACHMENT.c.blob_key.in_(list(keys)), ~ATTACHMENT.c.bytes_deleted
    )
    return set((await connection.execute(statement)).scalars())


async def list_keys(connection: Connection, after: int, limit: int) -> list[Blob]:
    """Return the blobs of kept attachments with ids above `after`."""
    statement = (
        select(ATTACHMENT.c.id, ATTACHMENT.c.blob_key)
        .where(KEPT, ATTACHMENT.c.id > after)
        .order_by(ATTACHMENT.c.id)
        .limit(limit)
    )
    return [Blob(*row) for row in await connection.execute(statement)]
