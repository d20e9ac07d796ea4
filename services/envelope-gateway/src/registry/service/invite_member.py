"""Invite people to an organization by a one-time link.

The link is mailed, so accepting it verifies the address. Without a mail server it is shown to the inviter, and
verifies nothing.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from hearback_contracts.audit import AuditEvent
from hearback_kit.auth import hash_secret
from hearback_kit.errors import TooManyRequests

from registry.domain.invitation_texts import invitation_mail
from registry.errors import AlreadyMember, LimitReached, NotInvited
from registry.service.change_configuration import Authority, Change, Changes
from registry.service.manage_members import find_member, set_role
from registry.store import audit_logs, invitations, mails, members, users
from registry.store.members import Member

_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Link:
    token: str
    expires_at: datetime
    mailed: bool

    @property
    def columns(self) -> dict[str, Any]:
        """The columns of an invitation that belong to its link."""
        return {
            "invitation_digest": hash_secret(self.token),
            "invitation_expires_at": self.expires_at,
            "invitation_mailed": self.mailed,
        }


async def invite_member(
    changes: Changes, authority: Authority, *, email: str, role: str
) -> tuple[Member, str | None]:
    """Invite an address; return the pending member, and the link unless it is mailed.

    Raise Forbidden, AlreadyMember, LimitReached or TooManyRequests.
    """
    authority.check_role(role)
    organization = authority.organization
    async with changes.begin() as change:
        await _check_limits(change, organization.id)
        if await members.count_members(change.connection, organization.id) >= change.settings.members_max:
            raise LimitReached(f"An organization may have {change.settings.members_max} members.")
        await check_is_new(change, organization.id, email)
        link = _new_link(change)
        member_id = await invitations.add_invitation(
            change.connection,
            organization_id=organization.id,
            email=email.lower(),
            role=role,
            invited_by=authority.user_id,
            created_at=change.now,
            **link.columns,
        )
        return await _announce(change, authority, member_id, link)


async def renew_invitation(
    changes: Changes,
    authority: Authority,
    member_id: int,
    role: str | None = None,
) -> tuple[Member, str | None]:
    """Replace the link of an invitation, and its role if one is given; return as `invite_member` does.

    Raise NotFound, Forbidden and NotInvited.
    """
    async with changes.begin() as change:
        await _check_limits(change, authority.organization.id)
        member = await find_member(change, authority, member_id)
        if not member.is_pending:
            raise NotInvited
        if role is not None:
            await set_role(change, authority, member, role)
        link = _new_link(change)
        await invitations.renew_invitation(change.connection, member.id, link.columns)
        return await _announce(change, authority, member_id, link)


async def check_is_new(change: Change, organization_id: int, email: str) -> None:
    """Raise AlreadyMember if a member or an invited person of the organization has the address."""
    known = await members.find_member_by_email(change.connection, organization_id, email)
    if known is not None:
        raise AlreadyMember("This address is invited already." if known.is_pending else None)


async def _check_limits(change: Change, organization_id: int) -> None:
    """Raise TooManyRequests if an organization sends too many invitations."""
    await members.lock_members(change.connection, organization_id)
    settings = change.settings
    if not settings.mails_invitations:
        return
    since = change.now - _HOUR
    count = await audit_logs.count_entries(change.connection, organization_id, AuditEvent.MEMBER_INVITED, since)
    if count >= settings.invitations_per_hour:
        raise TooManyRequests(
            f"An organization may invite {settings.invitations_per_hour} people an hour.",
            headers={"Retry-After": "600"},
        )


def _new_link(change: Change) -> _Link:
    expires_at = change.now + timedelta(days=change.settings.invitation_days)
    return _Link(secrets.token_urlsafe(32), expires_at, change.settings.mails_invitations)


async def _announce(
    change: Change, authority: Authority, member_id: int, link: _Link
) -> tuple[Member, str | None]:
    """Queue the mail and add an audit log entry."""
    organization = authority.organization
    member = await find_member(change, authority, member_id)
    url = f"{change.settings.public_url.rstrip('/')}/accept/{organization.slug}/{member.id}/{link.token}/"
    subject, body = invitation_mail(
        await _language(change, authority, member),
        inviter=member.inviter_name or "",
        organization=organization.name,
        expires_at=link.expires_at,
        url=url,
    )
    await mails.add_mail(change.connection, member.email, subject, body, change.now)
    await change.audit_member(AuditEvent.MEMBER_INVITED, member, email=member.email, role=member.role)
    return member, None if link.mailed else url


async def _language(change: Change, authority: Authority, member: Member) -> str | None:
    """Return the language of the account that verified the invited address, else the inviter's."""
    known = await users.list_users_by_email(change.connection, member.email)
    for user in known:
        if user.email_verified_at and user.language:
            return user.language
    inviter = await users.find_user(change.connection, authority.user_id) if authority.user_id else None
    return inviter.language if inviter else None
