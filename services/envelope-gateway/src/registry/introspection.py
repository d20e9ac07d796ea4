"""Who holds a token or a session."""

from typing import Any

from hearback_contracts.roles import scopes_of_role
from hearback_kit.clock import Clock
from hearback_kit.db import Database

from registry.store import credentials


class Introspection:
    """Answers what services ask about a secret they were shown, by its hash."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def __call__(self, kind: str, digest: str) -> dict[str, Any] | None:
        """The holder with organizations, roles and scopes, or None for what is unknown or has expired."""
        if kind == "token":
            return await self._token(digest)
        return await self._session(digest) if kind == "session" else None

    async def _token(self, digest: str) -> dict[str, Any] | None:
        now = self._clock.now()
        async with self._database.connection() as connection:
            row = await credentials.find_token_holder(connection, digest, now)
        if row is None:
            return None
        if credentials.is_use_worth_noting(row.last_used_at, now):
            async with self._database.transaction() as connection:
                await credentials.note_use(connection, row.id, now)
        scopes = scopes_of_role(row.role).intersection(row.scopes)
        return _answer("token", row.user_id, row.email, {row.organization_id: row.role}, scopes)

    async def _session(self, digest: str) -> dict[str, Any] | None:
        async with self._database.connection() as connection:
            rows = await credentials.find_session_holder(connection, digest, self._clock.now())
        if not rows:
            return None
        roles = {row.organization_id: row.role for row in rows if row.role is not None}
        # What holds in which organization is cut down to the role there by those who check.
        scopes = frozenset[str]().union(*(scopes_of_role(role) for role in roles.values()))
        return _answer("session", rows[0].id, rows[0].email, roles, scopes)


def _answer(kind: str, user_id: int, email: str, roles: dict[int, str], scopes: frozenset[str]) -> dict[str, Any]:
    return {
        "kind": kind,
        "id": str(user_id),
        "email": email,
        "tenants": {str(organization_id): role for organization_id, role in roles.items()},
        "scopes": sorted(scopes),
    }
