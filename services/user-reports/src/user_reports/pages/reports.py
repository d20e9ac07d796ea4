"""Reports by state: waiting for their error, linked, given up, or naming none."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from hearback_contracts.flags import Feature
from hearback_kit.api.params import choices, read_time_range
from hearback_web import PageScope, neighbours
from hearback_web.texts import gettext as _
from starlette.responses import Response

from user_reports.pages.deps import PAGES, Reader, ReportsPage, StateDep, report_row
from user_reports.service.app_state import AppState
from user_reports.store.groups import find_groups
from user_reports.store.report_lists import ReportFilter, list_reports

VIEWS: Final = ("orphans", "waiting", "missing", "none", "linked")
TEXT_LENGTH_MAX: Final = 200
router = APIRouter(include_in_schema=False)


Text = Annotated[str, Query(max_length=TEXT_LENGTH_MAX)]


@dataclass(slots=True)
class Choice:
    """Dependency: the filters of the page; empty texts do not filter."""

    view: Annotated[str, Query(max_length=20)] = "orphans"
    query: Text = ""
    project: Text = ""
    environment: Text = ""
    period: Annotated[str, Query(alias="statsPeriod", max_length=20)] = ""

    def __post_init__(self) -> None:
        [self.view] = choices("view", [self.view or "orphans"], {name: name for name in VIEWS})
        self.query, self.environment = self.query.strip(), self.environment.strip()


@router.get("/organizations/{organization}/user-feedback/")
async def reports_page(
    request: Request, state: StateDep, scope: Reader, choice: Annotated[Choice, Depends()], wanted: ReportsPage
) -> Response:
    """Show the reports of the organization's projects, by default those without their error."""
    organization = scope.organization
    if not organization.feature(Feature.UI):
        return PAGES.render(request, "reports_off.html")
    async with state.database.connection(share=organization.id) as connection:
        found = await list_reports(connection, _filter_of(state, scope, choice), wanted.window)
        page = wanted.page(found, lambda report: report.position)
        groups = await find_groups(connection, [report.group_id for report in page.rows if report.group_id])
    return PAGES.render(
        request,
        "reports.html",
        choice=choice,
        is_filtered=bool(choice.query or choice.project or choice.environment or choice.period),
        views=[(name, _label(name)) for name in VIEWS],
        projects=[("", _("All projects")), *((project.slug, project.slug) for project in organization.projects)],
        periods=_periods(),
        rows=[report_row(state, organization, report) for report in page.rows],
        groups=groups,
        pages=neighbours(request, page),
        hours=state.settings.sweep_reports_hours,
        days=state.settings.retention_days,
    )


def _filter_of(state: AppState, scope: PageScope, choice: Choice) -> ReportFilter:
    now = state.clock.now()
    given_up = now - timedelta(hours=state.settings.sweep_reports_hours)
    oldest = now - timedelta(days=state.settings.retention_days)
    start, end = oldest, None
    asked = read_time_range(now, stats_period=choice.period.strip(), start=None, end=None)
    if asked.start is not None:
        start = max(oldest, asked.start)
    if choice.view == "waiting":
        start = max(start, given_up)
    if choice.view == "missing":
        end = given_up
    return ReportFilter(
        organization_id=scope.organization.id,
        project_ids=scope.project_ids([choice.project] if choice.project else None),
        linked=choice.view == "linked",
        about_event={"waiting": True, "missing": True, "none": False}.get(choice.view),
        environments=[choice.environment] if choice.environment else None,
        text=choice.query or None,
        start=start,
        end=end,
    )


def _label(view: str) -> str:
    return {
        "orphans": _("Without an error"),
        "waiting": _("Waiting"),
        "missing": _("Never arrived"),
        "none": _("Name no error"),
        "linked": _("Linked"),
    }[view]


def _periods() -> list[tuple[str, str]]:
    return [
        ("", _("Any time")),
        ("24h", _("Last 24 hours")),
        ("7d", _("Last 7 days")),
        ("30d", _("Last 30 days")),
        ("90d", _("Last 90 days")),
    ]
