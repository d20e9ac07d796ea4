"""Routes: members of an organization."""

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Path
from hearback_contracts.config import organization_snapshot
from hearback_contracts.roles import scopes_of_role
from hearback_kit.db import Connection
from hearback_kit.errors import Conflict, Forbidden, NotFound

from registry.api import schemas
from registry.api.deps import InOrganization, PagingOf, RegistryOf, id_of, in_organization
from registry.errors import LastOwner, LimitReached
from registry.registry import Change, Registry
from registry.store import organizations

_MEMBERS = "/organizations/{organization}/members/"
_MEMBER = _MEMBERS + "{member}/"
MemberName = Annotated[str, Path(description="Id of the member.")]
Reading = Annotated[InOrganization, in_organization("member:read", "member:write", "member:admin")]
Writing = Annotated[InOrganization, in_organization("member:write", "member:admin")]


def _fields(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "email": row.email,
        "name": row.name,
        "role": row.role,
        "date_created": row.created_at,
        "user": schemas.User(id=str(row.user_id), email=row.email, name=row.name, username=row.email),
    }


def member_routes() -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["members"])

    @router.get(_MEMBERS, operation_id="listMembers", summary="The members of an organization")
    async def list_all(scope: Reading, registry: RegistryOf, paging: PagingOf) -> list[schemas.Member]:
        async with registry.reading() as connection:
            page = await organizations.list_members(
                connection, scope.organization.id, paging.position, paging.limit
            )
        return [schemas.Member(**_fields(row)) for row in paging.rows(page)]

    @router.post(
        _MEMBERS,
        operation_id="addMember",
        summary="Add somebody",
        description="Somebody without an account gets one; its first password is in this answer and nowhere else.",
        status_code=201,
    )
    async def add(scope: Writing, registry: RegistryOf, wanted: schemas.NewMember) -> schemas.CreatedMember:
        _may_give(scope, wanted.role)
        password = secrets.token_urlsafe(12)
        password_hash = await registry.passwords.hash(password)
        async with registry.changing() as change:
            connection, now = change.connection, registry.clock.now()
            await _check_room(registry, connection, scope)
            is_new = await organizations.add_user(connection, wanted.email, wanted.name, password_hash, now)
            user = await organizations.find_user(connection, email=wanted.email)
            assert user is not None, "it was just created, if it was not there"
            member_id = await organizations.add_member(
                connection, scope.organization.id, user.id, wanted.role, now
            )
            if member_id is None:
                raise Conflict("This person is a member already.", code="already_member")
            row = await organizations.find_member(connection, scope.organization.id, member_id)
            _touch(change, scope)
        return schemas.CreatedMember(**_fields(row), password=password if is_new is not None else None)

    @router.get(_MEMBER, operation_id="getMember", summary="A member")
    async def get(scope: Reading, registry: RegistryOf, member: MemberName) -> schemas.Member:
        async with registry.reading() as connection:
            return schemas.Member(**_fields(await _found(connection, scope, member)))

    @router.put(_MEMBER, operation_id="updateMember", summary="Give a member another role")
    async def update(
        scope: Writing, registry: RegistryOf, member: MemberName, wanted: schemas.MemberChange
    ) -> schemas.Member:
        async with registry.changing() as change:
            row = await _found(change.connection, scope, member)
            _may_give(scope, row.role)
            _may_give(scope, wanted.role)
            if wanted.role != "owner":
                await _keep_an_owner(change.connection, row)
            await organizations.change_role(change.connection, row.id, wanted.role)
            _touch(change, scope)
        return schemas.Member(**{**_fields(row), "role": wanted.role})

    @router.delete(
        _MEMBER,
        operation_id="removeMember",
        summary="Remove a member, and the tokens that the member made here",
        status_code=204,
    )
    async def remove(scope: Writing, registry: RegistryOf, member: MemberName) -> None:
        async with registry.changing() as change:
            row = await _found(change.connection, scope, member)
            _may_give(scope, row.role)
            await _keep_an_owner(change.connection, row)
            await organizations.remove_member(change.connection, row.organization_id, row.user_id)
            _touch(change, scope)

    return router


def _touch(change: Change, scope: InOrganization) -> None:
    organization = scope.organization
    change.touch(organization_snapshot(organization.id), organization_snapshot(organization.slug))


def _may_give(scope: InOrganization, role: str) -> None:
    """Nobody decides about a role that allows more than they or their token may do; members anybody may add."""
    if role == "owner" and "org:admin" not in scope.scopes:
        raise Forbidden("Only owners decide about owners.", code="owners_only")
    if missing := scopes_of_role(role) - scopes_of_role("member") - scope.scopes:
        wanted = ", ".join(sorted(missing))
        raise Forbidden(f'The role "{role}" allows what you may not do: {wanted}.', code="role_beyond_scopes")


async def _check_room(registry: Registry, connection: Connection, scope: InOrganization) -> None:
    count_max = registry.settings.members_max
    if await organizations.count_members(connection, scope.organization.id) >= count_max:
        raise LimitReached(f"An organization may have {count_max} members.")


async def _found(connection: Connection, scope: InOrganization, member: str) -> Any:
    row = await organizations.find_member(connection, scope.organization.id, id_of(member))
    if row is None:
        raise NotFound
    return row


async def _keep_an_owner(connection: Connection, row: Any) -> None:
    if row.role == "owner" and not await organizations.has_other_owner(connection, row.organization_id, row.id):
        raise LastOwner
