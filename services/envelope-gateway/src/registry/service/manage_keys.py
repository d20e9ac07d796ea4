"""Create, change, rotate and delete client keys."""

from typing import Any

from hearback_kit.errors import NotFound
from hearback_kit.values.ids import random_id

from registry.errors import LimitReached
from registry.service.change_configuration import Change, Changes
from registry.store import keys
from registry.store.keys import Key
from registry.store.projects import Project


async def create_key(changes: Changes, project: Project, name: str, *, count_max: int) -> Key:
    """Create a client key; raise LimitReached."""
    async with changes.begin() as change:
        if await keys.count_keys(change.connection, project.id) >= count_max:
            raise LimitReached(f"A project may have {count_max} keys.")
        key = await keys.add_key(change.connection, project.id, name, random_id(), random_id(), change.now)
        change.touch_project(project.id, key.public)
    return key


async def update_key(changes: Changes, project: Project, id_or_public: str, values: dict[str, Any]) -> Key:
    """Set `name` or `is_active` of a key; raise NotFound."""
    async with changes.begin() as change:
        key = await _find(change, project, id_or_public)
        if values:
            key = await keys.update_key(change.connection, key.id, values)
            change.touch_project(project.id, key.public)
    return key


async def rotate_key(changes: Changes, project: Project, id_or_public: str) -> Key:
    """Replace the public and the secret part of a key; raise NotFound."""
    async with changes.begin() as change:
        old = await _find(change, project, id_or_public)
        values = {"public": random_id(), "secret": random_id()}
        key = await keys.update_key(change.connection, old.id, values)
        change.touch_project(project.id, old.public, key.public)
    return key


async def delete_key(changes: Changes, project: Project, id_or_public: str) -> None:
    """Delete a key; raise NotFound."""
    async with changes.begin() as change:
        key = await _find(change, project, id_or_public)
        await keys.remove_key(change.connection, key.id)
        change.touch_project(project.id, key.public)


async def _find(change: Change, project: Project, id_or_public: str) -> Key:
    key = await keys.find_key(change.connection, project.id, id_or_public)
    if key is None:
        raise NotFound
    return key
