"""Routes for other services and the launcher: only with a signature."""

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from hearback_contracts.config import key_snapshot, organization_snapshot, project_snapshot
from hearback_contracts.roles import SCOPES
from hearback_kit.errors import BadRequest, NotFound
from hearback_kit.http import require_signature
from hearback_kit.ids import random_id

from registry.api import schemas
from registry.api.deps import ID_MAX, RegistryOf, registry_of
from registry.api.projects import create_project
from registry.api.tokens import issue_token
from registry.domain.slugs import is_slug
from registry.introspection import Introspection
from registry.registry import Change, Registry
from registry.store import organizations, projects


async def _signed(request: Request) -> None:
    await require_signature(request, registry_of(request).settings.secret_key.get_secret_value())


def internal_routes() -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/internal", tags=["internal"], dependencies=[Depends(_signed)])

    @router.get(
        "/introspect/{kind}/{digest}",
        operation_id="introspect",
        summary="Who holds a token or session, by its hash",
    )
    async def introspect(registry: RegistryOf, kind: str, digest: str) -> schemas.Introspected:
        answer = await Introspection(registry.database, registry.clock)(kind, digest)
        if answer is None:
            raise NotFound
        return schemas.Introspected(**answer)

    @router.post(
        "/bootstrap",
        operation_id="bootstrap",
        summary="Make sure that an organization with an owner and a project exist",
        description="Gives a new token each time; the owner's password only when the owner was just created.",
    )
    async def bootstrap(registry: RegistryOf, wanted: schemas.BootstrapRequest) -> schemas.Bootstrapped:
        for slug in (wanted.organization, wanted.project):
            if not is_slug(slug):
                raise BadRequest(f"not a slug: {slug}", code="invalid_slug")
        async with registry.changing() as change:
            await organizations.lock_creation(change.connection)
            return await _bootstrap(registry, change, wanted)

    @router.put(
        "/projects/{project_id}/flags",
        operation_id="setProjectFlags",
        summary="Note what a project has seen",
        status_code=204,
    )
    async def set_flags(
        registry: RegistryOf, project_id: Annotated[int, Path(ge=1, le=ID_MAX)], wanted: schemas.ProjectFlags
    ) -> None:
        values = wanted.model_dump(exclude_none=True)
        async with registry.changing() as change:
            if not values or not await projects.raise_flags(change.connection, project_id, values):
                raise NotFound

    return router


async def _bootstrap(registry: Registry, change: Change, wanted: schemas.BootstrapRequest) -> schemas.Bootstrapped:
    connection, now = change.connection, registry.clock.now()
    organization = await organizations.find_organization(connection, wanted.organization)
    if organization is None:
        organization = await organizations.add_organization(
            connection, wanted.organization, wanted.organization, now
        )
        change.touch(organization_snapshot(organization.id), organization_snapshot(organization.slug))
    owner, password = await _owner(registry, change, organization)
    project_id, public = await _project(registry, change, organization, wanted.project)
    token, _ = await issue_token(
        connection, organization_id=organization.id, user_id=owner.id, name="bootstrap", scopes=SCOPES, now=now
    )
    return schemas.Bootstrapped(
        organization=organization.slug,
        project=wanted.project,
        project_id=project_id,
        public_key=public,
        token=token,
        admin_email=owner.email,
        admin_password=password,
    )


async def _owner(registry: Registry, change: Change, organization: Any) -> tuple[Any, str | None]:
    connection, now = change.connection, registry.clock.now()
    owner = await organizations.find_owner(connection, organization.id)
    if owner is not None:
        return owner, None
    email, password = f"owner@{organization.slug}.example.com", secrets.token_urlsafe(12)
    password_hash = await registry.passwords.hash(password)
    created = await organizations.add_user(connection, email, "Owner", password_hash, now)
    owner = await organizations.find_user(connection, email=email)
    assert owner is not None, "it was just created, if it was not there"
    await organizations.add_member(connection, organization.id, owner.id, "owner", now)
    change.touch(organization_snapshot(organization.id), organization_snapshot(organization.slug))
    return owner, password if created is not None else None


async def _project(registry: Registry, change: Change, organization: Any, slug: str) -> tuple[int, str]:
    connection, now = change.connection, registry.clock.now()
    project = await projects.find_project(connection, organization.id, slug)
    project_id = project.id if project else await create_project(registry, change, organization, slug, slug)
    public = await projects.first_key(connection, project_id)
    if public is None:
        public = random_id()
        await projects.add_key(connection, project_id, "Default", public, random_id(), now)
        change.touch(project_snapshot(project_id), key_snapshot(public))
    return project_id, public
