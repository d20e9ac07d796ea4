"""Which roles a caller may give and take."""

from hearback_contracts.roles import scopes_of_role


def scopes_beyond(role: str, held: frozenset[str]) -> frozenset[str]:
    """Return what a role allows beyond the scopes that a caller holds; the role `member` is free to give."""
    return scopes_of_role(role) - scopes_of_role("member") - held
