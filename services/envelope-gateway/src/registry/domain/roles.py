"""Roles and scopes that a caller may grant, and scopes that allow changes."""

from typing import Final

from hearback_contracts.roles import SCOPES, scopes_of_role

WRITE_SCOPES: Final = frozenset(scope for scope in SCOPES if scope.endswith((":write", ":admin")))


def scopes_beyond(role: str, held: frozenset[str]) -> frozenset[str]:
    """Return the scopes of a role that the caller lacks; every caller may grant the role `member`."""
    return scopes_of_role(role) - scopes_of_role("member") - held
