"""What every page knows: whose it is, of which organization, and how it shall look."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hearback_contracts.config import OrganizationConfig
from hearback_contracts.flags import Feature

from hearback_web.flashes import Flash
from hearback_web.links import changed_query

THEMES: Final = ("auto", "light", "dark")
THEME_COOKIE: Final = "hearback_theme"
ZONE_COOKIE: Final = "hearback_zone"
_ZONE_LENGTH_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class Account:
    """The person who is signed in; `id` is the account's."""

    id: str
    email: str
    name: str | None = None

    @property
    def label(self) -> str:
        """The name, or the e-mail address without one."""
        return self.name or self.email


@dataclass(frozen=True, slots=True)
class OrganizationLink:
    """An organization to switch to."""

    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class PageContext:
    """What every template has as `page`."""

    path: str
    query: str
    nonce: str
    csrf_token: str
    now: datetime
    zone: str = "UTC"
    theme: str = "auto"
    account: Account | None = None
    organization: OrganizationConfig | None = None
    organizations: tuple[OrganizationLink, ...] = ()
    scopes: frozenset[str] = frozenset()
    flash: Flash | None = None
    is_fragment: bool = field(default=False)

    def can(self, *scopes: str) -> bool:
        """Whether the person has any of the scopes in the organization."""
        return not self.scopes.isdisjoint(scopes)

    def feature(self, name: str) -> bool:
        """Whether the organization has a flag on."""
        return self.organization is not None and self.organization.feature(Feature(name))

    def url_with(self, **changes: Any) -> str:
        """Return the address of this page with other parameters; None takes one away, a list repeats it."""
        query = changed_query(self.query, changes)
        return f"{self.path}?{query}" if query else self.path


def known_theme(value: str | None) -> str:
    """Return the theme that a cookie names, or `auto`."""
    return value if value in THEMES else "auto"


def known_zone(value: str | None) -> str:
    """Return the time zone that a cookie names, or `UTC`."""
    if not value or len(value) > _ZONE_LENGTH_MAX:
        return "UTC"
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "UTC"
    return value
