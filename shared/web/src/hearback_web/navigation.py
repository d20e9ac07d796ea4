"""Navigation: an organization's sections, and tabs of its and its projects' settings."""

from collections.abc import Iterable
from dataclasses import dataclass

from hearback_contracts.config import OrganizationConfig
from hearback_contracts.routes import service_of
from hearback_fleet.access import ORGANIZATION_WRITE

from hearback_web.context import PageContext
from hearback_web.texts import gettext as _


@dataclass(frozen=True, slots=True)
class NavigationLink:
    """A navigation link; `is_current` if it leads to the current page or a parent of it."""

    label: str
    url: str
    icon: str = ""
    is_current: bool = False


def sections(page: PageContext, organization: OrganizationConfig) -> list[NavigationLink]:
    """Return an organization's sections, for the sidebar."""
    base = f"/organizations/{organization.slug}"
    issues = (f"{base}/issues/",)  # of feedback, or groups of errors, whose pages show what people reported
    of_reports, of_feedback = (issues, ()) if service_of(page.path) == "user-reports" else ((), issues)
    shown = (
        (_("Feedback"), f"{base}/feedback/", "inbox", (f"{base}/feedback/", *of_feedback)),
        (_("User reports"), f"{base}/user-feedback/", "message", (f"{base}/user-feedback/", *of_reports)),
        (_("Submissions"), f"{base}/submissions/", "route", (f"{base}/submissions/",)),
        (_("Stats"), f"{base}/stats/", "chart", (f"{base}/stats/",)),
        (_("Settings"), f"/settings/{organization.slug}/", "gear", ("/settings/", f"{base}/projects/")),
    )
    return [NavigationLink(label, url, icon, page.path.startswith(below)) for label, url, icon, below in shown]


def organization_settings(page: PageContext, organization: OrganizationConfig) -> list[NavigationLink]:
    """Return the tabs of an organization's settings."""
    base = f"/settings/{organization.slug}/"
    parts = (
        (_("Organization"), base),
        (_("Projects"), f"{base}projects/"),
        (_("Members"), f"{base}members/"),
        (_("API tokens"), f"{base}tokens/"),
    )
    log = ((_("Audit log"), f"{base}audit-log/"),) if page.can(*ORGANIZATION_WRITE) else ()
    return _tabs(page, base, (*parts, *log))


def project_settings(page: PageContext, organization: OrganizationConfig, slug: str) -> list[NavigationLink]:
    """Return the tabs of a project's settings, which several services serve."""
    base = f"/settings/{organization.slug}/projects/{slug}/"
    parts = (
        (_("General"), base),
        (_("Client keys"), f"{base}keys/"),
        (_("User feedback"), f"{base}user-feedback/"),
        (_("Quotas"), f"{base}quotas/"),
        (_("Alerts"), f"{base}alerts/"),
        (_("Loss alerts"), f"{base}loss-alerts/"),
        (_("Deliveries"), f"{base}deliveries/"),
    )
    return _tabs(page, base, parts)


def _tabs(page: PageContext, base: str, parts: Iterable[tuple[str, str]]) -> list[NavigationLink]:
    """Return links; a tab is current on the pages below it too, such as those of single rules."""
    return [
        NavigationLink(label, url, is_current=page.path == url or (url != base and page.path.startswith(url)))
        for label, url in parts
    ]
