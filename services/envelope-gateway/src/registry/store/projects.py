"""Projects with their options and quotas."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hearback_kit.db import Connection
from hearback_kit.db.rows import Window, find_record
from sqlalchemy import Select, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from registry.domain.slugs import with_former
from registry.store.rows import count, read_page
from registry.store.slugs import named, take_slug
from registry.store.tables import organizations, projects


@dataclass(frozen=True, slots=True)
class Project:
    """A project with the names and flags of its organization; `options` has what was set."""

    id: int
    organization_id: int
    slug: str
    name: str
    platform: str | None
    options: dict[str, Any]
    quotas: list[dict[str, Any]]
    has_feedbacks: bool
    has_new_feedbacks: bool
    created_at: datetime
    former_slugs: list[str]
    organization_slug: str
    organization_name: str
    features: dict[str, bool]


def select_projects() -> Select[Any]:
    """Return the query whose rows are `Project`s."""
    return select(
        projects,
        organizations.c.slug.label("organization_slug"),
        organizations.c.name.label("organization_name"),
        organizations.c.features,
    ).join(organizations, organizations.c.id == projects.c.organization_id)


async def find_project(connection: Connection, organization_id: int, id_or_slug: str) -> Project | None:
    """Return the project of an organization with an id, a slug or a former slug, or None."""
    query = select_projects().where(projects.c.organization_id == organization_id)
    query = named(query, projects, id_or_slug)
    return await find_record(connection, Project, query)


async def list_projects(connection: Connection, organization_ids: list[int], window: Window) -> list[Project]:
    """Return a page of the projects of some organizations."""
    query = select_projects().where(projects.c.organization_id.in_(organization_ids))
    return await read_page(connection, Project, query, projects.c.id, window)


async def count_projects(connection: Connection, organization_id: int) -> int:
    """Return how many projects an organization has."""
    return await count(connection, projects, projects.c.organization_id == organization_id)


async def add_project(
    connection: Connection, organization_id: int, slug: str, name: str, platform: str | None, now: datetime
) -> int | None:
    """Create a project; return its id, or None when the slug is taken."""
    await take_slug(connection, projects, slug, projects.c.organization_id == organization_id)
    given = {"organization_id": organization_id, "slug": slug, "name": name, "platform": platform}
    nothing = {"options": {}, "quotas": [], "has_feedbacks": False, "has_new_feedbacks": False}
    query = upsert(projects).values(**given, **nothing, created_at=now)
    found: int | None = await connection.scalar(query.on_conflict_do_nothing().returning(projects.c.id))
    return found


async def lock_project(connection: Connection, project_id: int) -> Project | None:
    """Return a project as it is, and let no other transaction change it until this one ends."""
    query = select_projects().where(projects.c.id == project_id).with_for_update(of=projects, key_share=True)
    return await find_record(connection, Project, query)


async def update_project(
    connection: Connection, project_id: int, values: dict[str, Any], options: dict[str, Any]
) -> None:
    """Set columns and merge options of a project."""
    merged = {**values, "options": projects.c.options.concat(options)}
    await connection.execute(update(projects).where(projects.c.id == project_id).values(merged))


async def rename_project(connection: Connection, project: Project, slug: str) -> None:
    """Give a project another slug, which must not be another's; the former one leads to it, too."""
    await take_slug(connection, projects, slug, projects.c.organization_id == project.organization_id)
    former = with_former(project.former_slugs, project.slug, slug)
    await update_project(connection, project.id, {"slug": slug, "former_slugs": former}, {})


async def set_project_flags(connection: Connection, project_id: int, values: dict[str, bool]) -> bool:
    """Set columns of a project by id alone; return whether there is such a project."""
    query = update(projects).where(projects.c.id == project_id).values(values).returning(projects.c.id)
    return await connection.scalar(query) is not None
