"""Add a member without an invitation, as the operator of the machine."""

import secrets

from hearback_contracts.audit import AuditEvent
from hearback_kit.errors import existing

from registry.service.change_configuration import Change, Changes
from registry.service.hash_passwords import Passwords
from registry.service.invite_member import check_is_new
from registry.store import members, organizations, users
from registry.store.members import Member
from registry.store.organizations import Organization


async def add_member(
    changes: Changes,
    passwords: Passwords,
    organization: str,
    email: str,
    role: str,
    name: str | None = None,
    password: str | None = None,
) -> tuple[Member, str]:
    """Create an account and its membership; return it with its password, generated if none is given.

    The account is new even if others claim the address, whose passwords must not change. Raise NotFound for an
    unknown organization, or AlreadyMember.
    """
    password = password or secrets.token_urlsafe(12)
    password_hash = await passwords.hash(password)
    async with changes.begin() as change:
        found = existing(await organizations.find_organization(change.connection, organization))
        await members.lock_members(change.connection, found.id)
        await check_is_new(change, found.id, email)
        return await add_account(change, found, email, name, password_hash, role), password


async def add_account(
    change: Change, organization: Organization, email: str, name: str | None, password_hash: str, role: str
) -> Member:
    """Create an account and its membership within a change."""
    user_id = await users.add_user(change.connection, email, name, password_hash, change.now)
    member_id = await members.add_member(change.connection, organization.id, user_id, role, change.now)
    assert member_id is not None, "the account is new"
    member = await members.find_member(change.connection, organization.id, member_id)
    assert member is not None, "it was just added"
    change.touch_organization(organization.id, organization.slug)
    await change.audit_member(AuditEvent.MEMBER_ADDED, member, email=member.email, role=member.role)
    return member
