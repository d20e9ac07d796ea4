"""What the triage of an organization taught the spam classifier; `version` grows with each lesson."""

from collections.abc import Collection
from dataclasses import dataclass

from hearback_kit.db import Connection
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from feedback.store.tables import SPAM_TAUGHT


@dataclass(frozen=True, slots=True)
class StoredTaught:
    """What an organization taught, as the classifier encodes it."""

    organization_id: int
    version: int
    taught: bytes


async def find_versions(connection: Connection, organization_ids: Collection[int]) -> dict[int, int]:
    """Return the versions of those organizations that taught anything."""
    statement = select(SPAM_TAUGHT.c.organization_id, SPAM_TAUGHT.c.version).where(
        SPAM_TAUGHT.c.organization_id.in_(sorted(organization_ids))
    )
    return {row.organization_id: row.version for row in await connection.execute(statement)}


async def find_taught(connection: Connection, organization_ids: Collection[int]) -> list[StoredTaught]:
    """Return what these organizations taught."""
    if not organization_ids:
        return []
    statement = select(SPAM_TAUGHT).where(SPAM_TAUGHT.c.organization_id.in_(sorted(organization_ids)))
    return [StoredTaught(*row) for row in await connection.execute(statement)]


async def lock_taught(connection: Connection, organization_id: int) -> bytes:
    """Return what an organization taught, locked until the transaction ends; empty before its first lesson."""
    empty = insert(SPAM_TAUGHT).values(organization_id=organization_id, version=0, taught=b"")
    await connection.execute(empty.on_conflict_do_nothing())
    locked = select(SPAM_TAUGHT.c.taught).where(SPAM_TAUGHT.c.organization_id == organization_id)
    found: bytes = (await connection.execute(locked.with_for_update())).scalar_one()
    return found


async def save_taught(connection: Connection, organization_id: int, taught: bytes) -> None:
    """Store what an organization taught as its next version."""
    await connection.execute(
        update(SPAM_TAUGHT)
        .where(SPAM_TAUGHT.c.organization_id == organization_id)
        .values(taught=taught, version=SPAM_TAUGHT.c.version + 1)
    )
