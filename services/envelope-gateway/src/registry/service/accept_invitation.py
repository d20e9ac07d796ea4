"""Accept an invitation: the link, with a password or a session, makes an account a member.

An account never becomes a member by its address alone, since addresses are claimed without proof. A mailed link
proves the address.
"""

from dataclasses import dataclass, replace

from hearback_contracts.audit import AuditEvent
from hearback_kit.auth import hash_secret

from registry.errors import AlreadyMember, InvitationNotValid, WrongCredentials
from registry.service.change_configuration import Change, Changes
from registry.service.sign_in import Session, SignIn
from registry.store import invitations, members, users
from registry.store.invitations import Invitation
from registry.store.members import Member
from registry.store.users import User


@dataclass(frozen=True, slots=True)
class InvitationLink:
    """The parameters of an invitation link."""

    organization: str
    member_id: int
    token: str

    @property
    def digest(self) -> str:
        """The stored hash of the token."""
        return hash_secret(self.token)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The membership, and a new session."""

    member: Member
    session: Session


class Invitations:
    """Reads and accepts invitations."""

    def __init__(self, changes: Changes, sign_in: SignIn) -> None:
        self._changes = changes
        self._database = changes.database
        self._sign_in = sign_in

    async def find(self, link: InvitationLink) -> Invitation:
        """Return the invitation of a link; raise InvitationNotValid."""
        found = await self._database.read(
            invitations.find_invitation, link.organization, link.member_id, link.digest, self._changes.clock.now()
        )
        if found is None:
            raise InvitationNotValid
        return found

    async def accept_with_password(
        self, link: InvitationLink, password: str, name: str | None, address: str | None
    ) -> Acceptance:
        """Accept with the password of an account with the invited address, or of a new account.

        Raise InvitationNotValid, AlreadyMember or TooManyRequests; WrongCredentials if the link was mailed and the
        account that verified the address has another password.
        """
        invitation = await self.find(link)
        await self._sign_in.count_attempt(invitation.email, address)
        candidates = await self._database.read(users.list_users_by_email, invitation.email)
        known = await self._sign_in.find_match(candidates, password)
        # A link that the inviter saw says nothing of who has it: no answer may depend on others' accounts.
        if known is None and invitation.mailed and any(user.email_verified_at for user in candidates):
            raise WrongCredentials("You have an account with this address; give its password.")
        password_hash = "" if known else await self._sign_in.passwords.hash(password)
        changes = self._changes.by(known.id if known else None, invitation.email, address)
        async with changes.begin() as change:
            if known is not None:
                user_id = known.id
            else:
                user_id = await users.add_user(
                    change.connection, invitation.email, name, password_hash, change.now
                )
            if invitation.mailed:
                await users.verify_email(change.connection, user_id, invitation.email, change.now)
            member = await _join(change, invitation, link, user_id)
            session = await self._sign_in.add_session(change.connection, user_id, address, change.now)
        return Acceptance(member, session)

    async def accept_signed_in(self, link: InvitationLink, user: User, address: str | None) -> Member:
        """Accept with the account of a session; raise InvitationNotValid and AlreadyMember."""
        invitation = await self.find(link)
        async with self._changes.by(user.id, user.email, address).begin() as change:
            if invitation.mailed and invitation.email == user.email:
                await users.verify_email(change.connection, user.id, user.email, change.now)
            return await _join(change, invitation, link, user.id)


async def _join(change: Change, invitation: Invitation, link: InvitationLink, user_id: int) -> Member:
    organization_id = invitation.organization_id
    await members.lock_members(change.connection, organization_id)
    if await members.find_member_of_user(change.connection, organization_id, user_id) is not None:
        raise AlreadyMember("This account is a member already.")
    if not await invitations.accept_invitation(change.connection, invitation, link.digest, user_id):
        raise InvitationNotValid
    if await members.has_other_with_address(change.connection, organization_id, user_id):
        raise AlreadyMember("Another account with this address is a member already.")
    change.touch_organization(organization_id, invitation.organization_slug)
    change.actor = replace(change.actor, user_id=user_id)
    member = await members.find_member(change.connection, organization_id, invitation.id)
    assert member is not None, "it was just accepted"
    await change.audit_member(AuditEvent.MEMBER_ACCEPTED, member, invited=invitation.email, role=invitation.role)
    return member
