"""Roles and scopes: what a caller may give, and which scopes allow a change."""

from typing import Final

from hearback_contracts.roles import SCOPES, scopes_of_role

WRITE_SCOPES: Final = frozenset(scope for scope in SCOPES if scope.endswith((":write", ":admin")))


def scopes_beyond(role: str, held: frozenset[str]) -> frozenset[str]:
    """Return what a role allows beyond the scopes that a caller holds; the role `member` is free to give."""
    return scopes_of_role(role) - scopes_of_role("member") - held
