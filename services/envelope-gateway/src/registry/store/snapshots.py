"""Snapshots of the configuration: marks of unpublished ones, and their current values."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

import orjson
from hearback_contracts.config import (
    KeyConfig,
    MemberRef,
    OrganizationConfig,
    ProjectConfig,
    ProjectRef,
    key_snapshot,
    organization_snapshot,
    project_snapshot,
)
from hearback_kit.db import Connection
from hearback_kit.db.rows import unindexed
from hearback_kit.db.rowsets import one_by_one
from hearback_kit.values.ids import parse_id
from sqlalchemy import Text, cast, delete, func, literal, select, true, union_all
from sqlalchemy.dialects.postgresql import insert

from registry.store.rows import count
from registry.store.tables import members, organizations, project_keys, projects, unpublished, users

_ROWS_MAX: Final = 5_000


async def mark(connection: Connection, names: Iterable[str]) -> None:
    """Mark snapshots as changed.

    An existing mark is updated as well: that waits for a publisher which holds it, so that an older value is never
    published after a newer one.
    """
    rows = [{"name": name} for name in sorted(set(names))]
    for start in range(0, len(rows), _ROWS_MAX):
        query = insert(unpublished).values(rows[start : start + _ROWS_MAX])
        changed = query.on_conflict_do_update(
            index_elements=[unpublished.c.name], set_={"name": query.excluded.name}
        )
        await connection.execute(changed)


async def mark_all(connection: Connection) -> None:
    """Mark every snapshot as changed."""
    names = union_all(
        select(literal("project:") + cast(projects.c.id, Text)),
        select(literal("key:") + project_keys.c.public),
        select(literal("organization:") + cast(organizations.c.id, Text)),
        select(literal("organization:") + organizations.c.slug),
        select(literal("organization:") + func.unnest(organizations.c.former_slugs)),
    )
    await connection.execute(insert(unpublished).from_select(["name"], names).on_conflict_do_nothing())


async def list_project_ids(connection: Connection, organization_id: int) -> list[int]:
    ids = await connection.scalars(select(projects.c.id).where(projects.c.organization_id == organization_id))
    return list(ids.all())


async def list_former_slugs(connection: Connection, organization_ids: Iterable[int]) -> list[str]:
    """Return the former slugs of some organizations, which have their configuration, too."""
    former = select(func.unnest(organizations.c.former_slugs)).where(organizations.c.id.in_(organization_ids))
    return list((await connection.scalars(former)).all())


async def take(connection: Connection, names: list[str] | None, limit: int) -> list[str]:
    """Lock and return up to `limit` marked names (of the given ones), skipping locked ones."""
    query = select(unpublished.c.name).order_by(unpublished.c.name).limit(limit)
    if names is not None:
        query = query.where(unpublished.c.name.in_(names))
    return list((await connection.scalars(query.with_for_update(skip_locked=True))).all())


async def unmark(connection: Connection, names: list[str]) -> None:
    """Remove the marks of published snapshots, which must be locked."""
    await connection.execute(delete(unpublished).where(unpublished.c.name.in_(names)))


async def count_unpublished(connection: Connection) -> int:
    """Count the marks."""
    return await count(connection, unpublished)


async def values_of(connection: Connection, names: list[str]) -> dict[str, bytes | None]:
    """Return the current values of snapshots; None for deleted ones."""
    values: dict[str, bytes | None] = dict.fromkeys(names)
    by_kind: dict[str, list[str]] = defaultdict(list)
    for name in names:
        kind, _, reference = name.partition(":")
        by_kind[kind].append(reference)
    values.update(await _projects(connection, [int(text) for text in by_kind["project"]]))
    values.update(await _keys(connection, by_kind["key"]))
    values.update(await _organizations(connection, by_kind["organization"]))
    return values


async def _keys(connection: Connection, publics: list[str]) -> dict[str, bytes]:
    if not publics:
        return {}
    query = select(project_keys.c.public, project_keys.c.project_id).where(project_keys.c.public.in_(publics))
    rows = (await connection.execute(query)).all()
    return {key_snapshot(row.public): orjson.dumps(row.project_id) for row in rows}


async def _projects(connection: Connection, ids: list[int]) -> dict[str, bytes]:
    found = await projects_of(connection, ids)
    return {project_snapshot(one.id): one.model_dump_json().encode() for one in found}


async def projects_of(connection: Connection, ids: list[int]) -> list[ProjectConfig]:
    """Return the configuration of existing projects by id."""
    if not ids:
        return []
    owner = one_by_one(select(organizations).where(organizations.c.id == projects.c.organization_id)).lateral()
    query = (
        select(
            projects,
            owner.c.slug.label("organization_slug"),
            owner.c.former_slugs.label("organization_former_slugs"),
            owner.c.features,
        )
        .select_from(projects.join(owner, true()))
        .where(projects.c.id.in_(ids))
    )
    rows = (await connection.execute(query)).all()
    keys_query = (
        select(project_keys).where(project_keys.c.project_id.in_(ids)).order_by(unindexed(project_keys.c.id))
    )
    keys: dict[int, list[KeyConfig]] = defaultdict(list)
    for key in (await connection.execute(keys_query)).all():
        keys[key.project_id].append(KeyConfig.model_validate(key, from_attributes=True))
    return [_config(row, keys[row.id]) for row in rows]


def _config(row: Any, keys: Iterable[KeyConfig]) -> ProjectConfig:
    quotas = [{**quota, "reason_code": quota["reasonCode"]} for quota in row.quotas]
    return ProjectConfig.model_validate({**row._mapping, "keys": keys, "quotas": quotas})


async def _organizations(connection: Connection, references: list[str]) -> dict[str, bytes]:
    values: dict[str, bytes] = {}
    for config in await organizations_of(connection, references):
        raw = config.model_dump_json().encode()
        names: tuple[int | str, ...] = (config.id, config.slug, *config.former_slugs)
        values.update(dict.fromkeys(map(organization_snapshot, names), raw))
    wanted = {organization_snapshot(reference) for reference in references}
    return {name: raw for name, raw in values.items() if name in wanted}


async def organizations_of(
    connection: Connection, references: list[str], member_email: str | None = None
) -> list[OrganizationConfig]:
    """Return the configuration of existing organizations by id or slug.

    With `member_email` only the member with that address is included, which is enough for a page.
    """
    if not references:
        return []
    ids = [number for text in references if (number := parse_id(text)) is not None]
    slugs = [text for text in references if parse_id(text) is None]
    named = organizations.c.slug.in_(slugs) | organizations.c.former_slugs.overlap(slugs)
    where = organizations.c.id.in_(ids) | named
    rows = (await connection.execute(select(organizations).where(where))).all()
    found = [row.id for row in rows]
    refs_of = await _projects_by_organization(connection, found)
    members_of = await _members_by_organization(connection, found, member_email)
    return [
        OrganizationConfig.model_validate(
            {**row._mapping, "projects": refs_of[row.id], "members": members_of[row.id]}
        )
        for row in rows
    ]


async def _projects_by_organization(connection: Connection, ids: list[int]) -> dict[int, list[ProjectRef]]:
    columns = (projects.c.id, projects.c.slug, projects.c.former_slugs, projects.c.organization_id)
    query = select(*columns).order_by(projects.c.id)
    found: dict[int, list[ProjectRef]] = defaultdict(list)
    for row in (await connection.execute(query.where(projects.c.organization_id.in_(ids)))).all():
        found[row.organization_id].append(ProjectRef.model_validate(row, from_attributes=True))
    return found


async def _members_by_organization(
    connection: Connection, ids: list[int], email: str | None = None
) -> dict[int, list[MemberRef]]:
    query = (
        select(members.c.organization_id, members.c.user_id, members.c.role, users.c.email, users.c.name)
        .join(users, users.c.id == members.c.user_id)
        .where(members.c.organization_id.in_(ids))
        .order_by(members.c.id)
    )
    if email is not None:
        query = query.where(users.c.email == email.lower())
    found: dict[int, list[MemberRef]] = defaultdict(list)
    for row in (await connection.execute(query)).all():
        member = MemberRef(id=row.user_id, email=row.email, name=row.name, role=row.role)
        found[row.organization_id].append(member)
    return found
