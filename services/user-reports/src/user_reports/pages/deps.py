"""What pages take from the running app, and the permissions they need."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import Depends, Path
from hearback_contracts.config import OrganizationConfig
from hearback_fleet.access import EVENT_READ, EVENT_WRITE, app_state
from hearback_kit.api.paging import PageRequest, page_request, read_id, read_time
from hearback_kit.values.ids import parse_id
from hearback_web import Pages, PageScope, page_scope

from user_reports.domain.model import Report
from user_reports.service.app_state import AppState
from user_reports.service.find_groups import GroupScope, find_own_group

PAGES: Final = Pages(service="user-reports", package="user_reports")
REPORTS_OF_PAGE: Final = 25

StateDep = Annotated[AppState, Depends(app_state)]
Reader = Annotated[PageScope, page_scope(*EVENT_READ)]
Writer = Annotated[PageScope, page_scope(*EVENT_WRITE)]
ReportsPage = Annotated[PageRequest, page_request(read_time, read_id, rows=REPORTS_OF_PAGE, rows_max=100)]


def _group_page_scope(scope: Any) -> Any:
    async def resolve(state: StateDep, person: scope, issue: Annotated[str, Path(max_length=300)]) -> GroupScope:
        group, organization = await find_own_group(state.database, issue, [person.organization])
        return GroupScope(group, organization, parse_id(person.principal.id))

    return Depends(resolve)


GroupReader = Annotated[GroupScope, _group_page_scope(Reader)]
GroupWriter = Annotated[GroupScope, _group_page_scope(Writer)]


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A row of a list; `state` is `linked`, `waiting`, `missing` (given up) or `none` (names no event)."""

    report: Report
    project: str
    state: str

    @property
    def name(self) -> str | None:
        """The name given in the report, else the error's user's."""
        return self.report.name or (self.report.event_user or {}).get("name") or None

    @property
    def email(self) -> str | None:
        """The address given in the report, else the error's user's."""
        return self.report.email or (self.report.event_user or {}).get("email") or None


def report_row(state: AppState, organization: OrganizationConfig, report: Report) -> ReportRow:
    """Return the row of a report."""
    age_max = timedelta(hours=state.settings.sweep_reports_hours)
    if report.group_id is not None:
        standing = "linked"
    elif not report.is_about_event:
        standing = "none"
    else:
        standing = "waiting" if state.clock.now() - report.date_added <= age_max else "missing"
    return ReportRow(report, organization.project_slug(report.project_id), standing)
