"""Assignees to choose from: all members of a small organization, search results in a large one."""

from collections.abc import Sequence
from typing import Final

from hearback_contracts.config import MemberRef, OrganizationConfig
from hearback_web.texts import gettext as _

CHOICES_MAX: Final = 50
FOUND_MAX: Final = 20


def name_of(member: MemberRef) -> str:
    """Return a member's display name."""
    return member.name or member.email


def choices_of(organization: OrganizationConfig, email: str | None) -> list[tuple[int | str, str]] | None:
    """Return the members as choices, the caller first; None when they are too many for a page."""
    if len(organization.members) > CHOICES_MAX:
        return None
    members = _sorted(organization.members, email)
    named = [
        (one.id, _("{} (you)").format(name_of(one)) if one.email == email else name_of(one)) for one in members
    ]
    return [("", _("Unassigned")), *named]


def find_members(organization: OrganizationConfig, email: str | None, text: str) -> list[MemberRef]:
    """Return the first members with a text in their name or address, the caller first."""
    wanted = text.strip().lower()
    found = [
        one for one in organization.members if wanted in (one.name or "").lower() or wanted in one.email.lower()
    ]
    return _sorted(found, email)[:FOUND_MAX]


def find_member(organization: OrganizationConfig, wanted: str) -> MemberRef | None:
    """Return the member with an id or address, or with a name that no other has."""
    text = wanted.strip().lower()
    for one in organization.members:
        if text in {str(one.id), one.email.lower()}:
            return one
    named = [one for one in organization.members if (one.name or "").lower() == text]
    return named[0] if len(named) == 1 else None


def _sorted(members: Sequence[MemberRef], email: str | None) -> list[MemberRef]:
    return sorted(members, key=lambda one: (one.email != email, name_of(one).lower()))
