"""Members of an organization: invited, changed and removed."""

from typing import Annotated

from fastapi import APIRouter
from hearback_kit.api.params import row_id
from hearback_kit.errors import BadRequest, existing

from registry.api import serializers
from registry.api.deps import Authority, ChangesDep, StateDep, organization_scope
from registry.api.params import Email, MemberName, PagingDep, RequestBody, Role
from registry.service import invite_member as inviting
from registry.service import manage_members
from registry.store.members import find_member, list_members

router = APIRouter(prefix="/api/0/organizations/{organization}/members", tags=["members"])

ReadScope = Annotated[Authority, organization_scope("member:read", "member:write", "member:admin")]
WriteScope = Annotated[Authority, organization_scope("member:write", "member:admin")]


class NewMember(RequestBody):
    """A person to invite; `orgRole` is another name for `role`."""

    email: Email
    role: Role = "member"
    org_role: Role | None = None


class MemberChange(RequestBody):
    """The new role of a member (`orgRole` is another name for it), or whether to invite again with a new link."""

    role: Role | None = None
    org_role: Role | None = None
    reinvite: bool = False


@router.get("/", operation_id="listMembers", summary="List the members of an organization, including invited ones")
async def list_all(scope: ReadScope, state: StateDep, paging: PagingDep) -> list[serializers.Member]:
    rows = await state.database.read(list_members, scope.organization.id, paging.window)
    now = state.clock.now()
    return paging.answer(rows, lambda member: serializers.member(member, now))


@router.post(
    "/",
    operation_id="inviteMember",
    summary="Invite a person by a one-time link",
    description="The link is mailed to the address. As long as no mail server is set up it is in this answer and "
    "nowhere else, to be handed over. The person becomes a member by accepting it.",
    status_code=201,
)
async def invite(
    scope: WriteScope, state: StateDep, changes: ChangesDep, wanted: NewMember
) -> serializers.InvitedMember:
    role = wanted.org_role or wanted.role
    member, link = await inviting.invite_member(changes, scope, email=wanted.email, role=role)
    return serializers.invited_member(member, state.clock.now(), link)


@router.get("/{member}/", operation_id="getMember", summary="Show a member")
async def get(scope: ReadScope, state: StateDep, member: MemberName) -> serializers.Member:
    found = existing(await state.database.read(find_member, scope.organization.id, row_id(member)))
    return serializers.member(found, state.clock.now())


@router.put(
    "/{member}/",
    operation_id="updateMember",
    summary="Change a member's role, or invite again",
    description="`reinvite` replaces the link of an invitation; `invite_link` is null otherwise.",
)
async def update(
    scope: WriteScope, state: StateDep, changes: ChangesDep, member: MemberName, wanted: MemberChange
) -> serializers.InvitedMember:
    member_id, role = row_id(member), wanted.org_role or wanted.role
    link = None
    if wanted.reinvite:
        found, link = await inviting.renew_invitation(changes, scope, member_id, role)
    elif role is not None:
        found = await manage_members.update_role(changes, scope, member_id, role)
    else:
        raise BadRequest("role or reinvite is required.", code="invalid")
    return serializers.invited_member(found, state.clock.now(), link)


@router.delete(
    "/{member}/",
    operation_id="removeMember",
    summary="Remove a member with the tokens that the member created here, or withdraw an invitation",
    status_code=204,
)
async def remove(scope: WriteScope, changes: ChangesDep, member: MemberName) -> None:
    await manage_members.remove_member(changes, scope, row_id(member))
