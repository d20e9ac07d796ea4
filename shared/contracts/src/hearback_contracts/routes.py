"""The route table: which service serves which path. Edge, reverse proxies and ingress are generated from it.

Paths are matched in order, after repeated slashes were collapsed. The parity of an issue id shows its owner:
feedback is even, error groups are odd. Short ids of error groups look like `WEB-ERR-7`.
"""

import re
from dataclasses import dataclass
from typing import Final

_END: Final = r"(?:/|$)"  # without its last slash, a path goes to the same service, which redirects
_ORGANIZATION: Final = r"/api/0/organizations/[^/]+"
_PROJECT: Final = r"/api/0/projects/[^/]+/[^/]+"
_ISSUES: Final = r"/api/0/(?:organizations/[^/]+/)?issues"
_ERROR_SHORT_ID: Final = r"[^/]+-[eE][rR][rR]-[0-9a-zA-Z]+"
_ERROR_GROUP: Final = rf"(?:[0-9]*[13579]|{_ERROR_SHORT_ID})"
_PAGES: Final = r"/organizations/[^/]+"
_SETTINGS: Final = r"/settings/[^/]+/projects/[^/]+"
_WITH_PAGES: Final = ("feedback", "user-reports", "client-reports", "notifier", "crash-embed", "registry")
# First parts of the addresses of pages for people; the start page is `/`.
PAGE_ROOTS: Final = ("organizations", "settings", "auth", "accept", "unsubscribe")


@dataclass(frozen=True, slots=True)
class Route:
    """A regular expression that a whole path must match from its start, and the process that serves it."""

    pattern: str
    service: str


ROUTES: Final = (
    Route(r"/api/embed/error-page/?$", "crash-embed"),
    Route(rf"{_PROJECT}/user-feedback{_END}", "user-reports"),
    Route(rf"{_ORGANIZATION}/user-feedback{_END}", "user-reports"),
    Route(rf"{_ORGANIZATION}/eventids{_END}", "user-reports"),
    Route(rf"{_ORGANIZATION}/shortids/{_ERROR_SHORT_ID}{_END}", "user-reports"),
    Route(rf"{_ORGANIZATION}/shortids{_END}", "feedback"),
    Route(rf"{_ISSUES}/[^/]+/user-reports{_END}", "user-reports"),
    Route(rf"{_PROJECT}/events/[^/]+/attachments{_END}", "feedback"),
    Route(rf"{_PROJECT}/attachments{_END}", "feedback"),
    Route(rf"{_PROJECT}/events{_END}", "user-reports"),
    Route(rf"{_ISSUES}/{_ERROR_GROUP}{_END}", "user-reports"),
    Route(rf"{_ISSUES}{_END}", "feedback"),
    Route(rf"{_PROJECT}/issues{_END}", "feedback"),
    Route(rf"{_ORGANIZATION}/issues-count{_END}", "feedback"),
    Route(rf"{_ORGANIZATION}/stats_v2{_END}", "client-reports"),
    Route(rf"{_ORGANIZATION}/alert-rules{_END}", "client-reports"),
    Route(rf"{_PROJECT}/submissions{_END}", "client-reports"),
    Route(rf"{_PROJECT}/(?:notification-rules|deliveries){_END}", "notifier"),
    Route(rf"/api/0/relays/live{_END}", "envelope-gateway"),
    Route(rf"/api/0{_END}", "registry"),
    Route(r"/api/", "envelope-gateway"),
    *(Route(rf"/static/{service}/", service) for service in _WITH_PAGES),
    Route(rf"{_PAGES}/issues/{_ERROR_GROUP}{_END}", "user-reports"),
    Route(rf"{_PAGES}/(?:feedback|issues){_END}", "feedback"),
    Route(rf"{_PAGES}/user-feedback{_END}", "user-reports"),
    Route(rf"{_PAGES}/projects/[^/]+/events{_END}", "user-reports"),
    Route(rf"{_PAGES}/(?:submissions|stats){_END}", "client-reports"),
    Route(rf"{_SETTINGS}/loss-alerts{_END}", "client-reports"),
    Route(rf"{_SETTINGS}/(?:alerts|deliveries){_END}", "notifier"),
    Route(rf"/(?:{'|'.join(PAGE_ROOTS)}){_END}", "registry"),
    Route(r"/$", "registry"),
)

_COMPILED: Final = tuple((re.compile(route.pattern), route.service) for route in ROUTES)
_SLASHES: Final = re.compile(r"/{2,}")


def service_of(path: str) -> str | None:
    """Return the service of a path (without query), or None."""
    path = _SLASHES.sub("/", path)
    return next((service for pattern, service in _COMPILED if pattern.match(path)), None)


def is_error_group(issue: str) -> bool:
    """Return whether an issue's id or short id is an error group's; all others are feedback's."""
    return re.fullmatch(_ERROR_GROUP, issue) is not None


def is_page(path: str) -> bool:
    """Return whether a path is a page, not an API, a static file or a health check."""
    first, _, _ = path.lstrip("/").partition("/")
    return not first or first in PAGE_ROOTS
