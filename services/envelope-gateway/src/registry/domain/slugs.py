"""Slugs of organizations and projects."""

import re
from collections.abc import Sequence
from typing import Final

from registry.domain.fields import SLUG_LENGTH_MAX

SLUG_RULE: Final = "Slugs are lower-case letters, digits, _ and -, and not only digits."
FORMER_SLUGS_MAX: Final = 20
# Pages of our own have these addresses.
RESERVED_FOR_ORGANIZATIONS: Final = frozenset({"account"})
RESERVED_FOR_PROJECTS: Final = frozenset({"new"})
_SLUG: Final = re.compile(r"(?![0-9]+\Z)[a-z0-9_][a-z0-9_-]{0,49}\Z")
_OTHER: Final = re.compile(r"[^a-z0-9_]+")


def is_slug(text: str) -> bool:
    """Return whether a text is a valid slug: lower case, and not only digits, as ids and slugs share a path."""
    return bool(_SLUG.match(text))


def problem_of(slug: str, reserved: frozenset[str]) -> str | None:
    """Return why a text is not a valid slug, or None."""
    if not is_slug(slug):
        return SLUG_RULE
    return f"The slug {slug} is reserved." if slug in reserved else None


def slug_of(name: str) -> str | None:
    """Derive a slug from a name, or return None."""
    slug = _OTHER.sub("-", name.lower()).strip("-")[:SLUG_LENGTH_MAX].rstrip("-")
    return slug if is_slug(slug) else None


def with_former(former: Sequence[str], slug: str, new: str) -> list[str]:
    """Return the former slugs of what gets a new one instead of `slug`, the oldest first."""
    return [*(one for one in former if one not in {slug, new}), slug][-FORMER_SLUGS_MAX:]
