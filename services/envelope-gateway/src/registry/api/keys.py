"""Client keys of a project."""

from typing import Annotated

from fastapi import APIRouter
from hearback_fleet.access import PROJECT_READ, PROJECT_WRITE
from hearback_kit.errors import existing

from registry.api import serializers
from registry.api.deps import ChangesDep, StateDep, project_scope
from registry.api.params import KeyName, Name, PagingDep, RequestBody
from registry.service import manage_keys
from registry.store.keys import find_key, list_keys
from registry.store.projects import Project

router = APIRouter(prefix="/api/0/projects/{organization}/{project}/keys", tags=["keys"])

ReadableProject = Annotated[Project, project_scope(*PROJECT_READ)]
WritableProject = Annotated[Project, project_scope(*PROJECT_WRITE)]


class NewKey(RequestBody):
    """A key to create."""

    name: Name = "Default"


class KeyChange(RequestBody):
    """What to change of a key."""

    name: Name | None = None
    is_active: bool | None = None


@router.get("/", operation_id="listKeys", summary="List the client keys of a project")
async def list_all(project: ReadableProject, state: StateDep, paging: PagingDep) -> list[serializers.Key]:
    rows = await state.database.read(list_keys, project.id, paging.window)
    return paging.answer(rows, lambda key: serializers.key(key, state.settings.public_url))


@router.post("/", operation_id="createKey", summary="Create a client key", status_code=201)
async def create(
    project: WritableProject, state: StateDep, changes: ChangesDep, wanted: NewKey
) -> serializers.Key:
    key = await manage_keys.create_key(changes, project, wanted.name)
    return serializers.key(key, state.settings.public_url)


@router.get("/{key}/", operation_id="getKey", summary="Show a client key")
async def get(project: ReadableProject, state: StateDep, key: KeyName) -> serializers.Key:
    found = existing(await state.database.read(find_key, project.id, key))
    return serializers.key(found, state.settings.public_url)


@router.put("/{key}/", operation_id="updateKey", summary="Rename a client key, disable or enable it")
async def update(
    project: WritableProject, state: StateDep, changes: ChangesDep, key: KeyName, wanted: KeyChange
) -> serializers.Key:
    values = wanted.model_dump(exclude_none=True)
    changed = await manage_keys.update_key(changes, project, key, values)
    return serializers.key(changed, state.settings.public_url)


@router.post(
    "/{key}/rotate/",
    operation_id="rotateKey",
    summary="Replace the public and secret part of a client key",
    description="The id stays; what is sent with the old DSN is refused within two seconds.",
)
async def rotate(project: WritableProject, state: StateDep, changes: ChangesDep, key: KeyName) -> serializers.Key:
    rotated = await manage_keys.rotate_key(changes, project, key)
    return serializers.key(rotated, state.settings.public_url)


@router.delete("/{key}/", operation_id="deleteKey", summary="Delete a client key", status_code=204)
async def delete(project: WritableProject, changes: ChangesDep, key: KeyName) -> None:
    await manage_keys.delete_key(changes, project, key)
