"""Routes: client keys of a project."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from hearback_contracts.config import key_snapshot, project_snapshot
from hearback_fleet.access import PROJECT_READ, PROJECT_WRITE
from hearback_kit.db import Connection
from hearback_kit.errors import NotFound
from hearback_kit.ids import random_id

from registry.api import schemas
from registry.api.deps import InProject, PagingOf, RegistryOf, in_project
from registry.domain.dsns import dsns_of
from registry.errors import LimitReached
from registry.store import projects

_KEYS = "/projects/{organization}/{project}/keys/"
_KEY = _KEYS + "{key}/"
KeyName = Annotated[str, Path(description="Id or public part of the key.")]
Reading = Annotated[InProject, in_project(*PROJECT_READ)]
Writing = Annotated[InProject, in_project(*PROJECT_WRITE)]


def key_answer(row: Any, public_url: str) -> schemas.Key:
    """A key as the API shows it."""
    return schemas.Key(
        id=str(row.id),
        public=row.public,
        secret=row.secret,
        name=row.name,
        label=row.name,
        is_active=row.is_active,
        project_id=row.project_id,
        dsn=dsns_of(public_url, row.project_id, row.public, row.secret),
        date_created=row.created_at,
    )


def key_list_routes() -> APIRouter:
    """Routes that list and create keys."""
    router = APIRouter(tags=["keys"])

    @router.get(_KEYS, operation_id="listKeys", summary="The client keys of a project")
    async def list_all(scope: Reading, registry: RegistryOf, paging: PagingOf) -> list[schemas.Key]:
        async with registry.reading() as connection:
            page = await projects.list_keys(connection, scope.project.id, paging.position, paging.limit)
        return [key_answer(row, registry.settings.public_url) for row in paging.rows(page)]

    @router.post(_KEYS, operation_id="createKey", summary="Create a client key", status_code=201)
    async def create(scope: Writing, registry: RegistryOf, wanted: schemas.NewKey) -> schemas.Key:
        async with registry.changing() as change:
            if await projects.count_keys(change.connection, scope.project.id) >= registry.settings.keys_max:
                raise LimitReached(f"A project may have {registry.settings.keys_max} keys.")
            row = await projects.add_key(
                change.connection, scope.project.id, wanted.name, random_id(), random_id(), registry.clock.now()
            )
            change.touch(project_snapshot(scope.project.id), key_snapshot(row.public))
        return key_answer(row, registry.settings.public_url)

    return router


def key_routes() -> APIRouter:
    """Routes of one key."""
    router = APIRouter(tags=["keys"])

    @router.get(_KEY, operation_id="getKey", summary="A client key")
    async def get(scope: Reading, registry: RegistryOf, key: KeyName) -> schemas.Key:
        async with registry.reading() as connection:
            row = await _found(connection, scope, key)
        return key_answer(row, registry.settings.public_url)

    @router.put(_KEY, operation_id="updateKey", summary="Rename a client key, switch it off or on")
    async def update(scope: Writing, registry: RegistryOf, key: KeyName, wanted: schemas.KeyChange) -> schemas.Key:
        values = wanted.model_dump(exclude_none=True)
        async with registry.changing() as change:
            row = await _found(change.connection, scope, key)
            if values:
                row = await projects.change_key(change.connection, row.id, values)
                change.touch(project_snapshot(scope.project.id), key_snapshot(row.public))
        return key_answer(row, registry.settings.public_url)

    @router.post(
        _KEY + "rotate/",
        operation_id="rotateKey",
        summary="Replace the public and secret part of a client key",
        description="The id stays; what is sent with the old DSN is refused within two seconds.",
    )
    async def rotate(scope: Writing, registry: RegistryOf, key: KeyName) -> schemas.Key:
        async with registry.changing() as change:
            old = await _found(change.connection, scope, key)
            values = {"public": random_id(), "secret": random_id()}
            row = await projects.change_key(change.connection, old.id, values)
            change.touch(project_snapshot(scope.project.id), key_snapshot(old.public), key_snapshot(row.public))
        return key_answer(row, registry.settings.public_url)

    @router.delete(_KEY, operation_id="deleteKey", summary="Delete a client key", status_code=204)
    async def delete(scope: Writing, registry: RegistryOf, key: KeyName) -> None:
        async with registry.changing() as change:
            row = await _found(change.connection, scope, key)
            await projects.remove_key(change.connection, row.id)
            change.touch(project_snapshot(scope.project.id), key_snapshot(row.public))

    return router


async def _found(connection: Connection, scope: InProject, key: str) -> Any:
    row = await projects.find_key(connection, scope.project.id, key)
    if row is None:
        raise NotFound
    return row
