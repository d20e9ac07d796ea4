"""Create, change, rotate and delete client keys."""

from typing import Any

from hearback_contracts.audit import AuditEvent
from hearback_fleet.audit import changes_between
from hearback_kit.errors import existing
from hearback_kit.values.ids import random_id

from registry.errors import LimitReached
from registry.service.change_configuration import Change, Changes
from registry.store import keys
from registry.store.keys import Key
from registry.store.projects import Project, lock_project


async def create_key(changes: Changes, project: Project, name: str) -> Key:
    """Create a client key; raise LimitReached."""
    async with changes.begin() as change:
        await lock_project(change.connection, project.id)
        if await keys.count_keys(change.connection, project.id) >= change.settings.keys_max:
            raise LimitReached(f"A project may have {change.settings.keys_max} keys.")
        key = await keys.add_key(change.connection, project.id, name, random_id(), random_id(), change.now)
        change.touch_project(project.id, key.public)
        await _audit(change, AuditEvent.KEY_CREATED, project, key)
    return key


async def update_key(changes: Changes, project: Project, id_or_public: str, values: dict[str, Any]) -> Key:
    """Set `name` or `is_active` of a key; raise NotFound."""
    async with changes.begin() as change:
        old = key = await _find(change, project, id_or_public)
        if values:
            key = await keys.update_key(change.connection, key.id, values)
            change.touch_project(project.id, key.public)
            await _audit_update(change, project, old, key)
    return key


async def rotate_key(changes: Changes, project: Project, id_or_public: str) -> Key:
    """Replace the public and the secret part of a key; raise NotFound."""
    async with changes.begin() as change:
        old = await _find(change, project, id_or_public)
        values = {"public": random_id(), "secret": random_id()}
        key = await keys.update_key(change.connection, old.id, values)
        change.touch_project(project.id, old.public, key.public)
        await _audit(change, AuditEvent.KEY_ROTATED, project, key, previous=old.public)
    return key


async def delete_key(changes: Changes, project: Project, id_or_public: str) -> None:
    """Delete a key; raise NotFound."""
    async with changes.begin() as change:
        key = await _find(change, project, id_or_public)
        await keys.remove_key(change.connection, key.id)
        change.touch_project(project.id, key.public)
        await _audit(change, AuditEvent.KEY_REMOVED, project, key)


async def _find(change: Change, project: Project, id_or_public: str) -> Key:
    await lock_project(change.connection, project.id)
    return existing(await keys.find_key(change.connection, project.id, id_or_public))


async def _audit_update(change: Change, project: Project, old: Key, new: Key) -> None:
    if old.is_active != new.is_active:
        event = AuditEvent.KEY_ENABLED if new.is_active else AuditEvent.KEY_DISABLED
        await _audit(change, event, project, new)
    if old.name != new.name:
        changes = changes_between({"name": old.name}, {"name": new.name})
        await _audit(change, AuditEvent.KEY_EDITED, project, new, changes=changes)


async def _audit(change: Change, event: AuditEvent, project: Project, key: Key, **data: Any) -> None:
    await change.audit(
        event, project.organization_id, target=key.id, project=project.slug, public=key.public, **data
    )
