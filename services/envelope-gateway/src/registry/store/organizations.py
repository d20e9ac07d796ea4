"""Queries over organizations, members and users."""

from datetime import datetime
from typing import Any

from hearback_kit.db import Connection
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from registry.store.pages import Page, Position, fetch_page
from registry.store.tables import members, organizations, tokens, users

_MEMBER = (
    select(
        members.c.id,
        members.c.organization_id,
        members.c.user_id,
        members.c.role,
        members.c.created_at,
        users.c.email,
        users.c.name,
    )
).join(users, users.c.id == members.c.user_id)


async def lock_creation(connection: Connection) -> None:
    """Let one transaction at a time create what must be created once."""
    await connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('registry-creation'))"))


async def find_organization(connection: Connection, id_or_slug: str) -> Any:
    """An organization by numeric id or slug, or None."""
    query = select(organizations)
    if id_or_slug.isascii() and id_or_slug.isdigit():
        if len(id_or_slug) > 18:
            return None
        query = query.where(organizations.c.id == int(id_or_slug))
    else:
        query = query.where(organizations.c.slug == id_or_slug)
    return (await connection.execute(query)).one_or_none()


async def list_organizations(
    connection: Connection, ids: list[int], position: Position | None, limit: int
) -> Page:
    """A page of the organizations with these ids."""
    query = select(organizations).where(organizations.c.id.in_(ids))
    return await fetch_page(connection, query, organizations.c.id, position, limit)


async def add_organization(connection: Connection, slug: str, name: str, now: datetime) -> Any:
    """Create an organization."""
    values = {"slug": slug, "name": name, "features": {}, "created_at": now}
    return (await connection.execute(insert(organizations).values(values).returning(organizations))).one()


async def change_organization(
    connection: Connection, organization_id: int, values: dict[str, Any], features: dict[str, bool]
) -> Any:
    """Set columns and merge flags of an organization."""
    merged = {**values, "features": organizations.c.features.concat(features)}
    query = update(organizations).where(organizations.c.id == organization_id).values(merged)
    return (await connection.execute(query.returning(organizations))).one()


async def list_members(
    connection: Connection, organization_id: int, position: Position | None, limit: int
) -> Page:
    """A page of an organization's members with their e-mail addresses."""
    query = _MEMBER.where(members.c.organization_id == organization_id)
    return await fetch_page(connection, query, members.c.id, position, limit)


async def find_member(connection: Connection, organization_id: int, member_id: int) -> Any:
    """A member of an organization, or None."""
    query = _MEMBER.where(members.c.organization_id == organization_id, members.c.id == member_id)
    return (await connection.execute(query)).one_or_none()


async def count_members(connection: Connection, organization_id: int) -> int:
    """How many members an organization has."""
    query = select(func.count()).select_from(members).where(members.c.organization_id == organization_id)
    return int(await connection.scalar(query) or 0)


async def has_other_owner(connection: Connection, organization_id: int, member_id: int) -> bool:
    """Whether somebody else owns the organization; holds the owners' rows until the transaction ends."""
    query = (
        select(members.c.id)
        .where(members.c.organization_id == organization_id, members.c.role == "owner")
        .order_by(members.c.id)
        .with_for_update()
    )
    return any(found != member_id for found in (await connection.scalars(query)).all())


async def add_member(
    connection: Connection, organization_id: int, user_id: int, role: str, now: datetime
) -> int | None:
    """Make a user a member; None when the user is one already."""
    values = {"organization_id": organization_id, "user_id": user_id, "role": role, "created_at": now}
    query = upsert(members).values(values).on_conflict_do_nothing().returning(members.c.id)
    found: int | None = await connection.scalar(query)
    return found


async def change_role(connection: Connection, member_id: int, role: str) -> None:
    """Give a member another role."""
    await connection.execute(update(members).where(members.c.id == member_id).values(role=role))


async def remove_member(connection: Connection, organization_id: int, user_id: int) -> None:
    """End a membership, and with it the tokens that the member made for the organization."""
    for table in (members, tokens):
        query = delete(table).where(table.c.organization_id == organization_id, table.c.user_id == user_id)
        await connection.execute(query)


async def find_user(connection: Connection, *, email: str | None = None, user_id: int | None = None) -> Any:
    """A user by e-mail address (in any case) or by id, or None."""
    where = users.c.email == email.lower() if email is not None else users.c.id == user_id
    return (await connection.execute(select(users).where(where))).one_or_none()


async def add_user(
    connection: Connection, email: str, name: str | None, password_hash: str, now: datetime
) -> int | None:
    """Create a user; None when the address is taken."""
    values = {"email": email.lower(), "name": name, "password_hash": password_hash, "created_at": now}
    query = upsert(users).values(values).on_conflict_do_nothing().returning(users.c.id)
    found: int | None = await connection.scalar(query)
    return found


async def change_user(connection: Connection, user_id: int, values: dict[str, Any]) -> None:
    """Set columns of a user."""
    await connection.execute(update(users).where(users.c.id == user_id).values(values))


async def organizations_of(connection: Connection, user_id: int) -> list[int]:
    """The ids of the organizations a user belongs to."""
    query = select(members.c.organization_id).where(members.c.user_id == user_id)
    return list((await connection.scalars(query)).all())


async def find_owner(connection: Connection, organization_id: int) -> Any:
    """The user who has owned an organization for longest, or None."""
    query = (
        select(users)
        .join(members, members.c.user_id == users.c.id)
        .where(members.c.organization_id == organization_id, members.c.role == "owner")
        .order_by(members.c.id)
        .limit(1)
    )
    return (await connection.execute(query)).one_or_none()
