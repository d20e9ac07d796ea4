"""Roles of an organization's members and their scopes (names as in Sentry)."""

from typing import Final

_VIEWER: Final = frozenset({"org:read", "member:read", "project:read", "event:read"})  # ours: changes nothing
_MEMBER: Final = _VIEWER | {"event:write", "event:admin"}
_ADMIN: Final = _MEMBER | {"project:write", "project:admin"}
_MANAGER: Final = _ADMIN | {"org:write", "member:write", "member:admin"}
_OWNER: Final = _MANAGER | {"org:admin"}

ROLE_SCOPES: Final[dict[str, frozenset[str]]] = {
    "viewer": _VIEWER,
    "member": _MEMBER,
    "admin": _ADMIN,
    "manager": _MANAGER,
    "owner": _OWNER,
}
ROLES: Final = tuple(ROLE_SCOPES)
SCOPES: Final = _OWNER


def scopes_of_role(role: str) -> frozenset[str]:
    """Return the scopes of a role; empty for an undeclared one."""
    return ROLE_SCOPES.get(role, frozenset())
