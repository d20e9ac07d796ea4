"""Organizations and their flags."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hearback_kit.db import Connection
from hearback_kit.db.rows import Window, find_record, record
from sqlalchemy import insert, select, text, update

from registry.domain.slugs import with_former
from registry.store.rows import read_page
from registry.store.slugs import named, take_slug
from registry.store.tables import organizations


@dataclass(frozen=True, slots=True)
class Organization:
    """An organization; `features` has the flags that were set."""

    id: int
    slug: str
    name: str
    features: dict[str, bool]
    created_at: datetime
    former_slugs: list[str]


async def lock_creation(connection: Connection) -> None:
    """Serialize the creation of organizations."""
    await connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('registry-creation'))"))


async def find_organization(connection: Connection, id_or_slug: str) -> Organization | None:
    """Return the organization with an id, a slug or a former slug, or None."""
    query = named(select(organizations), organizations, id_or_slug)
    return await find_record(connection, Organization, query)


async def lock_organization(connection: Connection, organization_id: int) -> Organization:
    """Return an organization as it is, and let no other transaction change it until this one ends."""
    query = select(organizations).where(organizations.c.id == organization_id).with_for_update(key_share=True)
    return record(Organization, (await connection.execute(query)).one())


async def list_organizations(connection: Connection, ids: list[int], window: Window) -> list[Organization]:
    """Return a page of the organizations with these ids."""
    query = select(organizations).where(organizations.c.id.in_(ids))
    return await read_page(connection, Organization, query, organizations.c.id, window)


async def add_organization(connection: Connection, slug: str, name: str, now: datetime) -> Organization:
    await take_slug(connection, organizations, slug)
    values = {"slug": slug, "name": name, "features": {}, "created_at": now}
    query = insert(organizations).values(values).returning(organizations)
    return record(Organization, (await connection.execute(query)).one())


async def update_organization(
    connection: Connection, organization_id: int, values: dict[str, Any], features: dict[str, bool]
) -> Organization:
    """Set columns and merge flags of an organization."""
    merged = {**values, "features": organizations.c.features.concat(features)}
    query = update(organizations).where(organizations.c.id == organization_id).values(merged)
    return record(Organization, (await connection.execute(query.returning(organizations))).one())


async def rename_organization(connection: Connection, organization: Organization, slug: str) -> None:
    """Give an organization another slug, which must not be another's; the former one leads to it, too."""
    await take_slug(connection, organizations, slug)
    former = with_former(organization.former_slugs, organization.slug, slug)
    await update_organization(connection, organization.id, {"slug": slug, "former_slugs": former}, {})
