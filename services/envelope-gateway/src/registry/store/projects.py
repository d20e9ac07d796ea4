"""Queries over projects, their keys and their quotas."""

from datetime import datetime
from typing import Any

from hearback_kit.db import Connection
from sqlalchemy import Select, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from registry.store.pages import Page, Position, fetch_page
from registry.store.tables import organizations, project_keys, projects


def _projects() -> Select[Any]:
    return select(
        projects,
        organizations.c.slug.label("organization_slug"),
        organizations.c.name.label("organization_name"),
        organizations.c.features,
    ).join(organizations, organizations.c.id == projects.c.organization_id)


async def find_project(connection: Connection, organization_id: int, id_or_slug: str) -> Any:
    """A project of an organization by numeric id or slug, with its organization, or None."""
    query = _projects().where(projects.c.organization_id == organization_id)
    if id_or_slug.isascii() and id_or_slug.isdigit():
        if len(id_or_slug) > 18:
            return None
        query = query.where(projects.c.id == int(id_or_slug))
    else:
        query = query.where(projects.c.slug == id_or_slug)
    return (await connection.execute(query)).one_or_none()


async def list_projects(
    connection: Connection, organization_ids: list[int], position: Position | None, limit: int
) -> Page:
    """A page of the projects of some organizations, each with its organization."""
    query = _projects().where(projects.c.organization_id.in_(organization_ids))
    return await fetch_page(connection, query, projects.c.id, position, limit)


async def count_projects(connection: Connection, organization_id: int) -> int:
    """How many projects an organization has."""
    query = select(func.count()).select_from(projects).where(projects.c.organization_id == organization_id)
    return int(await connection.scalar(query) or 0)


async def add_project(
    connection: Connection, organization_id: int, slug: str, name: str, platform: str | None, now: datetime
) -> int | None:
    """Create a project; None when its slug is taken."""
    values = {
        "organization_id": organization_id,
        "slug": slug,
        "name": name,
        "platform": platform,
        "options": {},
        "quotas": [],
        "has_feedbacks": False,
        "has_new_feedbacks": False,
        "created_at": now,
    }
    query = upsert(projects).values(values).on_conflict_do_nothing().returning(projects.c.id)
    found: int | None = await connection.scalar(query)
    return found


async def change_project(
    connection: Connection, project_id: int, values: dict[str, Any], options: dict[str, Any]
) -> None:
    """Set columns and merge options of a project."""
    merged = {**values, "options": projects.c.options.concat(options)}
    await connection.execute(update(projects).where(projects.c.id == project_id).values(merged))


async def raise_flags(connection: Connection, project_id: int, values: dict[str, bool]) -> bool:
    """Set columns of a project by id alone; whether there is one."""
    query = update(projects).where(projects.c.id == project_id).values(values).returning(projects.c.id)
    return await connection.scalar(query) is not None


async def list_keys(connection: Connection, project_id: int, position: Position | None, limit: int) -> Page:
    """A page of a project's keys."""
    query = select(project_keys).where(project_keys.c.project_id == project_id)
    return await fetch_page(connection, query, project_keys.c.id, position, limit)


async def find_key(connection: Connection, project_id: int, id_or_public: str) -> Any:
    """A key of a project by its id or its public part; held until the transaction ends."""
    query = select(project_keys).where(project_keys.c.project_id == project_id).with_for_update()
    if id_or_public.isascii() and id_or_public.isdigit() and len(id_or_public) <= 18:
        query = query.where(project_keys.c.id == int(id_or_public))
    else:
        query = query.where(project_keys.c.public == id_or_public)
    return (await connection.execute(query)).one_or_none()


async def first_key(connection: Connection, project_id: int) -> str | None:
    """The public part of a project's oldest active key, or None."""
    query = (
        select(project_keys.c.public)
        .where(project_keys.c.project_id == project_id, project_keys.c.is_active)
        .order_by(project_keys.c.id)
        .limit(1)
    )
    found: str | None = await connection.scalar(query)
    return found


async def count_keys(connection: Connection, project_id: int) -> int:
    """How many keys a project has."""
    query = select(func.count()).select_from(project_keys).where(project_keys.c.project_id == project_id)
    return int(await connection.scalar(query) or 0)


async def add_key(
    connection: Connection, project_id: int, name: str, public: str, secret: str, now: datetime
) -> Any:
    """Create a key."""
    values = {
        "project_id": project_id,
        "name": name,
        "public": public,
        "secret": secret,
        "is_active": True,
        "created_at": now,
    }
    return (await connection.execute(insert(project_keys).values(values).returning(project_keys))).one()


async def change_key(connection: Connection, key_id: int, values: dict[str, Any]) -> Any:
    """Set columns of a key."""
    query = update(project_keys).where(project_keys.c.id == key_id).values(values)
    return (await connection.execute(query.returning(project_keys))).one()


async def remove_key(connection: Connection, key_id: int) -> None:
    """Delete a key."""
    await connection.execute(delete(project_keys).where(project_keys.c.id == key_id))
