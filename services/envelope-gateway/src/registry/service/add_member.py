"""Add a member at once, as the operator of the machine."""

import secrets
from dataclasses import dataclass

from hearback_kit.errors import NotFound

from registry.domain.audit import AuditEvent
from registry.service.change_configuration import OPERATOR, Changes
from registry.service.hash_passwords import Passwords
from registry.service.invite_member import check_is_new
from registry.store import members, organizations, users
from registry.store.members import Member


@dataclass(frozen=True, slots=True)
class NewMember:
    """Whom to add; without a password one is generated."""

    organization: str
    email: str
    role: str
    name: str | None = None
    password: str | None = None


async def add_member(changes: Changes, passwords: Passwords, wanted: NewMember) -> tuple[Member, str]:
    """Create an account that is a member at once; return it with its password.

    The account is new even when others claim the address: a password cannot be set for those. Raise NotFound for
    an unknown organization and AlreadyMember.
    """
    password = wanted.password or secrets.token_urlsafe(12)
    password_hash = await passwords.hash(password)
    async with changes.begin(OPERATOR) as change:
        connection = change.connection
        organization = await organizations.find_organization(connection, wanted.organization)
        if organization is None:
            raise NotFound
        await members.lock_members(connection, organization.id)
        await check_is_new(change, organization.id, wanted.email)
        user_id = await users.add_user(connection, wanted.email, wanted.name, password_hash, change.now)
        member_id = await members.add_member(connection, organization.id, user_id, wanted.role, change.now)
        assert member_id is not None, "the account is new"
        member = await members.find_member(connection, organization.id, member_id)
        assert member is not None, "it was just added"
        change.touch_organization(organization.id, organization.slug)
        await change.audit(
            AuditEvent.MEMBER_ADDED,
            organization.id,
            target=member.id,
            target_user_id=user_id,
            email=member.email,
            role=member.role,
        )
    return member, password
