"""Invitations: pending members, with the hash of their link's token."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hearback_kit.db import Connection
from hearback_kit.db.rows import columns, find_record
from hearback_kit.values.ids import parse_id
from sqlalchemy import func, insert, or_, select, update

from registry.store.tables import members, organizations


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that can be accepted; `mailed` if its link was only sent by mail."""

    id: int
    organization_id: int
    organization_slug: str
    organization_name: str
    email: str
    role: str
    mailed: bool
    expires_at: datetime


async def add_invitation(connection: Connection, **columns: Any) -> int:
    """Store an invitation with these columns of `members`; return the member's id."""
    query = insert(members).values(columns).returning(members.c.id)
    member_id: int = (await connection.execute(query)).scalar_one()
    return member_id


async def renew_invitation(connection: Connection, member_id: int, link: Mapping[str, Any]) -> None:
    """Replace the columns of an invitation's link; the old one becomes invalid."""
    query = update(members).where(members.c.id == member_id, members.c.user_id.is_(None))
    await connection.execute(query.values(link))


async def find_invitation(
    connection: Connection, organization: str, member_id: int, digest: str, now: datetime
) -> Invitation | None:
    """Return the invitation of a link, or None if it is not valid."""
    own = columns(
        Invitation,
        members,
        organization_slug=organizations.c.slug,
        organization_name=organizations.c.name,
        mailed=func.coalesce(members.c.invitation_mailed, False),
        expires_at=members.c.invitation_expires_at,
    )
    query = (
        select(*own)
        .join(organizations, organizations.c.id == members.c.organization_id)
        .where(
            or_(
                organizations.c.slug == organization,
                organizations.c.former_slugs.contains([organization]),
                organizations.c.id == parse_id(organization),
            ),
            members.c.id == member_id,
            members.c.invitation_digest == digest,
            members.c.invitation_expires_at > now,
            members.c.user_id.is_(None),
        )
    )
    return await find_record(connection, Invitation, query)


async def accept_invitation(connection: Connection, invitation: Invitation, digest: str, user_id: int) -> bool:
    """Turn an invitation into an account's membership; return False if the link is no longer valid."""
    query = (
        update(members)
        .where(members.c.id == invitation.id, members.c.invitation_digest == digest, members.c.user_id.is_(None))
        .values(user_id=user_id, email=None, invitation_digest=None, invitation_expires_at=None)
        .returning(members.c.id)
    )
    return await connection.scalar(query) is not None


async def is_invited(connection: Connection, email: str, now: datetime) -> bool:
    """Return whether an address has a pending invitation."""
    query = (
        select(members.c.id)
        .where(
            members.c.email == email.lower(), members.c.user_id.is_(None), members.c.invitation_expires_at > now
        )
        .limit(1)
    )
    return await connection.scalar(query) is not None
