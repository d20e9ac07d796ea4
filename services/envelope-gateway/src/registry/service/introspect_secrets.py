"""Look up the holder of a token or session."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Final

from hearback_contracts.roles import scopes_of_role
from hearback_kit.clock import Clock
from hearback_kit.db import Database

from registry.store import sessions, tokens

_USE_NOTED_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Holder:
    """The holder of a secret: `tenants` maps organization ids to roles."""

    kind: str
    id: str
    email: str
    tenants: Mapping[str, str]
    scopes: list[str]


class Introspection:
    """Looks up holders by the hash of their secret."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def __call__(self, kind: str, digest: str) -> dict[str, Any] | None:
        """Return the holder in the form of the kit's `Authenticator`, or None for an unknown or expired secret."""
        holder = await self.find_holder(kind, digest)
        return None if holder is None else asdict(holder)

    async def find_holder(self, kind: str, digest: str) -> Holder | None:
        """Return the holder with organizations, roles and scopes, or None for an unknown or expired secret."""
        if kind == "token":
            return await self._token(digest)
        return await self._session(digest) if kind == "session" else None

    async def _token(self, digest: str) -> Holder | None:
        now = self._clock.now()
        found = await self._database.read(tokens.find_token_holder, digest, now)
        if found is None:
            return None
        if found.last_used_at is None or now - found.last_used_at >= _USE_NOTED_EVERY:
            await self._database.write(tokens.note_use, found.id, now)
        scopes = scopes_of_role(found.role).intersection(found.scopes)
        return _holder("token", found.user_id, found.email, {found.organization_id: found.role}, scopes)

    async def _session(self, digest: str) -> Holder | None:
        rows = await self._database.read(sessions.find_session_holder, digest, self._clock.now())
        if not rows:
            return None
        roles = {row.organization_id: row.role for row in rows if row.organization_id is not None and row.role}
        # Whoever checks a scope in an organization cuts these down to the role there.
        scopes = frozenset[str]().union(*(scopes_of_role(role) for role in roles.values()))
        return _holder("session", rows[0].id, rows[0].email, roles, scopes)


def _holder(kind: str, user_id: int, email: str, roles: Mapping[int, str], scopes: frozenset[str]) -> Holder:
    tenants = {str(organization_id): role for organization_id, role in roles.items()}
    return Holder(kind, str(user_id), email, tenants, sorted(scopes))
