"""Change the caller's own account."""

from dataclasses import dataclass
from typing import Any

from hearback_kit.auth import hash_secret
from hearback_kit.errors import BadRequest, Unauthorized

from registry.service.change_configuration import Change, Changes
from registry.service.sign_in import SignIn
from registry.store import members, organizations, sessions, users
from registry.store.users import User


@dataclass(frozen=True, slots=True)
class AccountChange:
    """Changes; None keeps a value. A new password requires the current one."""

    name: str | None = None
    language: str | None = None
    password: str | None = None
    current_password: str | None = None


async def update_account(
    changes: Changes, sign_in: SignIn, user: User, wanted: AccountChange, *, session: str
) -> User:
    """Change an account; a new password ends all its sessions but `session`. Raise BadRequest, TooManyRequests."""
    given: dict[str, Any] = {"name": wanted.name, "language": wanted.language}
    values = {field: value for field, value in given.items() if value is not None}
    if wanted.password is not None:
        await sign_in.count_attempt(user.email, changes.actor.address)
        # Without a password, as after a sign-in by a provider, the session is proof enough.
        if user.password_hash and not await sign_in.passwords.verify(
            user.password_hash, wanted.current_password or ""
        ):
            raise BadRequest("The current password is not right.", code="wrong_credentials")
        values["password_hash"] = await sign_in.passwords.hash(wanted.password)
    async with changes.begin() as change:
        if values:
            await users.update_user(change.connection, user.id, values)
        if "password_hash" in values:
            digest = hash_secret(session)
            await sessions.remove_sessions_of(change.connection, user.id, except_digest=digest)
        if not values.keys().isdisjoint({"name", "language"}):
            await _touch_organizations(change, user.id)
        changed = await users.find_user(change.connection, user.id)
    if changed is None:
        raise Unauthorized
    return changed


async def _touch_organizations(change: Change, user_id: int) -> None:
    for organization_id in await members.list_organization_ids(change.connection, user_id):
        organization = await organizations.find_organization(change.connection, str(organization_id))
        if organization is not None:
            change.touch_organization(organization.id, organization.slug)
