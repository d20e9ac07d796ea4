"""What pages take from the running app, and the permissions they need."""

from typing import Annotated, Any, Final

from fastapi import Depends
from hearback_contracts.config import OrganizationConfig
from hearback_contracts.reasons import Setting
from hearback_fleet.access import (
    EVENT_READ,
    EVENT_WRITE,
    ORGANIZATION_READ,
    PROJECT_READ,
    PROJECT_WRITE,
    app_state,
)
from hearback_web import Pages, PageScope, ProjectPageScope, page_scope, project_page_scope
from hearback_web.texts import gettext as _

from client_reports.domain.reasons import Explained, explain
from client_reports.service.app_state import AppState

PAGES: Final = Pages(service="client-reports", package="client_reports")

StateDep = Annotated[AppState, Depends(app_state)]
Reader = Annotated[PageScope, page_scope(*PROJECT_READ, *EVENT_READ)]
Writer = Annotated[PageScope, page_scope(*EVENT_WRITE)]
StatsReader = Annotated[PageScope, page_scope(*ORGANIZATION_READ, *PROJECT_READ, *EVENT_READ)]
RulesReader = Annotated[ProjectPageScope, project_page_scope(*ORGANIZATION_READ, *PROJECT_READ, *EVENT_READ)]
RulesWriter = Annotated[ProjectPageScope, project_page_scope(*PROJECT_WRITE)]
_PARTS: Final = {
    Setting.ORIGINS: "",
    Setting.QUOTAS: "quotas/",
    Setting.OPTIONS: "user-feedback/",
    Setting.KEYS: "keys/",
}


def project_choices(organization: OrganizationConfig) -> list[tuple[str, str]]:
    """Return the choices of a project filter, "all" first."""
    return [("", _("All projects")), *((project.slug, project.slug) for project in organization.projects)]


def current_slug(organization: OrganizationConfig, project: str) -> str:
    """Return the slug of a project given by slug, id or former slug, as choices have it; else the text itself."""
    found = organization.find_project(project)
    return found.slug if found else project


def _setting_url(organization: OrganizationConfig, project: str | None, setting: Setting | None) -> str | None:
    if setting is None:
        return None
    if setting is Setting.FLAGS:
        return f"/settings/{organization.slug}/"
    if project is None:
        return f"/settings/{organization.slug}/projects/"
    return f"/settings/{organization.slug}/projects/{project}/{_PARTS[setting]}"


def reason_values(
    organization: OrganizationConfig, project: str | None, reason: str | None, *, is_of_sdk: bool = False
) -> dict[str, Any]:
    """Return a reason, its translated explanation, and the URL of the settings page that affects it or None."""
    found = explain(reason, is_of_sdk=is_of_sdk)
    explained = Explained(_(found.meaning), _(found.advice) if found.advice else "", found.setting)
    url = _setting_url(organization, project, found.setting)
    return {"reason": reason, "explained": explained, "setting_url": url}
