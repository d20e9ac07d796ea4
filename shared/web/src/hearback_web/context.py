"""The context of every page: account, organization, theme and time zone."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hearback_contracts.config import OrganizationConfig
from hearback_contracts.flags import Feature

from hearback_web.flashes import Flash
from hearback_web.links import changed_url

THEMES: Final = ("auto", "light", "dark")
THEME_COOKIE: Final = "hearback_theme"
ZONE_COOKIE: Final = "hearback_zone"
_ZONE_LENGTH_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class Account:
    """The account that is signed in."""

    id: str
    email: str
    name: str | None = None

    @property
    def label(self) -> str:
        """The name, or else the e-mail address."""
        return self.name or self.email


@dataclass(frozen=True, slots=True)
class OrganizationLink:
    """An organization to switch to."""

    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class PageContext:
    """The variable `page` of every template."""

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
    is_fragment: bool = False

    def can(self, *scopes: str) -> bool:
        """Return whether the account has any of the scopes in the organization."""
        return not self.scopes.isdisjoint(scopes)

    def feature(self, name: str) -> bool:
        """Return whether a feature flag of the organization is on."""
        return self.organization is not None and self.organization.feature(Feature(name))

    def url_with(self, **changes: Any) -> str:
        """Return the URL of this page with changed parameters (`links.changed_url`)."""
        return changed_url(self.path, self.query, changes)


def known_theme(value: str | None) -> str:
    """Return a cookie's theme if valid, else `auto`."""
    return value if value in THEMES else "auto"


def known_zone(value: str | None) -> str:
    """Return a cookie's time zone if valid, else `UTC`."""
    if not value or len(value) > _ZONE_LENGTH_MAX:
        return "UTC"
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "UTC"
    return value
