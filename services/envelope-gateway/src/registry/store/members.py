"""Members of organizations, including pending invitations."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hearback_kit.db import Connection
from hearback_kit.db.rows import Window, columns, find_record
from sqlalchemy import Select, delete, func, select, text, true, update
from sqlalchemy.dialects.postgresql import insert as upsert

from registry.store.rows import count, read_page
from registry.store.tables import members, tokens, users
from registry.store.users import User, account_of


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an organization, or (without `user_id`) an invited person."""

    id: int
    organization_id: int
    user_id: int | None
    role: str
    created_at: datetime
    email: str
    name: str | None
    invitation_expires_at: datetime | None
    inviter_name: str | None

    @property
    def is_pending(self) -> bool:
        """Whether the invitation has not been accepted."""
        return self.user_id is None


_ACCOUNT = account_of(members.c.user_id)
_INVITER = account_of(members.c.invited_by, "inviter")
_EMAIL: Any = func.coalesce(_ACCOUNT.c.email, members.c.email)


def _members(organization_id: int) -> Select[Any]:
    inviter_name = func.coalesce(_INVITER.c.name, _INVITER.c.email)
    return (
        select(*columns(Member, members, _ACCOUNT, email=_EMAIL, inviter_name=inviter_name))
        .select_from(members.outerjoin(_ACCOUNT, true()).outerjoin(_INVITER, true()))
        .where(members.c.organization_id == organization_id)
    )


async def lock_members(connection: Connection, organization_id: int) -> None:
    """Serialize invitations, additions and acceptances in an organization."""
    query = text("SELECT pg_advisory_xact_lock(hashtext('registry-members:' || :id))")
    await connection.execute(query, {"id": str(organization_id)})


async def list_members(connection: Connection, organization_id: int, window: Window) -> list[Member]:
    """Return a page of an organization's members."""
    query = _members(organization_id)
    return await read_page(connection, Member, query, members.c.id, window)


async def find_member(connection: Connection, organization_id: int, member_id: int) -> Member | None:
    query = _members(organization_id).where(members.c.id == member_id)
    return await find_record(connection, Member, query)


async def find_member_by_email(connection: Connection, organization_id: int, email: str) -> Member | None:
    """Return the member or invited person with an e-mail address (case-insensitive), or None."""
    query = _members(organization_id).where(email.lower() == _EMAIL)
    return await find_record(connection, Member, query.order_by(members.c.id).limit(1))


async def find_member_of_user(connection: Connection, organization_id: int, user_id: int) -> Member | None:
    """Return an account's membership, or None."""
    query = _members(organization_id).where(members.c.user_id == user_id)
    return await find_record(connection, Member, query)


async def has_other_with_address(connection: Connection, organization_id: int, user_id: int) -> bool:
    """Return whether another account with the same e-mail address is a member."""
    address = select(users.c.email).where(users.c.id == user_id).scalar_subquery()
    query = (
        select(members.c.id)
        .join(users, users.c.id == members.c.user_id)
        .where(members.c.organization_id == organization_id, users.c.id != user_id, users.c.email == address)
        .limit(1)
    )
    return await connection.scalar(query) is not None


async def count_members(connection: Connection, organization_id: int) -> int:
    """Count an organization's members, including invitations."""
    return await count(connection, members, members.c.organization_id == organization_id)


async def has_other_owner(connection: Connection, organization_id: int, member_id: int) -> bool:
    """Return whether the organization has another owner; lock the owners' rows."""
    query = (
        select(members.c.id)
        .where(
            members.c.organization_id == organization_id, members.c.role == "owner", members.c.user_id.is_not(None)
        )
        .order_by(members.c.id)
        .with_for_update()
    )
    return any(found != member_id for found in (await connection.scalars(query)).all())


async def add_member(
    connection: Connection, organization_id: int, user_id: int, role: str, now: datetime
) -> int | None:
    """Make an account a member; return the member's id, or None if it already is one."""
    values = {"organization_id": organization_id, "user_id": user_id, "role": role, "created_at": now}
    query = upsert(members).values(values).on_conflict_do_nothing().returning(members.c.id)
    found: int | None = await connection.scalar(query)
    return found


async def update_role(connection: Connection, member_id: int, role: str) -> None:
    """Change a member's role."""
    await connection.execute(update(members).where(members.c.id == member_id).values(role=role))


async def remove_member(connection: Connection, member: Member) -> None:
    """Delete a membership and the tokens that the member created for the organization."""
    await connection.execute(delete(members).where(members.c.id == member.id))
    if member.user_id is not None:
        query = delete(tokens).where(
            tokens.c.organization_id == member.organization_id, tokens.c.user_id == member.user_id
        )
        await connection.execute(query)


async def list_organization_ids(connection: Connection, user_id: int) -> list[int]:
    """Return the ids of the organizations that an account belongs to."""
    query = select(members.c.organization_id).where(members.c.user_id == user_id)
    return list((await connection.scalars(query)).all())


async def find_first_owner(connection: Connection, organization_id: int) -> User | None:
    """Return the account that has owned an organization for longest, or None."""
    query = (
        select(users)
        .join(members, members.c.user_id == users.c.id)
        .where(members.c.organization_id == organization_id, members.c.role == "owner")
        .order_by(members.c.id)
        .limit(1)
    )
    return await find_record(connection, User, query)
