"""Change and remove members."""

from hearback_contracts.audit import AuditEvent
from hearback_fleet.audit import changes_between
from hearback_kit.errors import existing

from registry.errors import LastOwner
from registry.service.change_configuration import Authority, Change, Changes
from registry.store import members, users
from registry.store.members import Member


async def update_role(changes: Changes, authority: Authority, member_id: int, role: str) -> Member:
    """Change a member's role; raise NotFound, Forbidden or LastOwner."""
    async with changes.begin() as change:
        await set_role(change, authority, await find_member(change, authority, member_id), role)
        return await find_member(change, authority, member_id)


async def set_role(change: Change, authority: Authority, member: Member, role: str) -> None:
    """Give a member another role within a change; raise Forbidden and LastOwner."""
    authority.check_role(role)
    if role != "owner":
        await _keep_an_owner(change, member)
    await members.update_role(change.connection, member.id, role)
    _touch(change, authority)
    if differences := changes_between({"role": member.role}, {"role": role}):
        await change.audit_member(AuditEvent.MEMBER_EDITED, member, email=member.email, changes=differences)


async def remove_member(changes: Changes, authority: Authority, member_id: int) -> None:
    """Remove a member or withdraw an invitation; raise NotFound, Forbidden or LastOwner."""
    async with changes.begin() as change:
        member = await find_member(change, authority, member_id)
        await _keep_an_owner(change, member)
        await members.remove_member(change.connection, member)
        if member.user_id is not None:
            await users.note_use(change.connection, member.user_id, change.now)
        _touch(change, authority)
        await change.audit_member(AuditEvent.MEMBER_REMOVED, member, email=member.email)


async def find_member(change: Change, authority: Authority, member_id: int) -> Member:
    """Return a member that the caller may manage; raise NotFound or Forbidden."""
    member = existing(await members.find_member(change.connection, authority.organization.id, member_id))
    authority.check_role(member.role)
    return member


def _touch(change: Change, authority: Authority) -> None:
    change.touch_organization(authority.organization.id, authority.organization.slug)


async def _keep_an_owner(change: Change, member: Member) -> None:
    if member.role != "owner" or member.is_pending:
        return
    if not await members.has_other_owner(change.connection, member.organization_id, member.id):
        raise LastOwner
