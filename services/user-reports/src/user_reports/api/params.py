"""Query parameters of lists, validated with the protocol's error messages."""

from datetime import timedelta
from typing import Annotated, Final

from fastapi import Depends, Query, Request
from hearback_fleet.access import state_of
from hearback_kit.api.exports import Format, export_format
from hearback_kit.api.paging import PageRequest, page_request, read_id, read_time
from hearback_kit.api.params import End, Start, StatsPeriod, TimeRange, read_time_range
from hearback_kit.errors import BadRequest

from user_reports.api.deps import StateDep
from user_reports.errors import InvalidStatus
from user_reports.store.report_lists import ReportFilter

TEXT_LENGTH_MAX: Final = 1_000
EnvironmentsParam = Annotated[
    list[str] | None, Query(description="Name of an environment; empty: reports without one.")
]
ProjectsParam = Annotated[list[str] | None, Query(description="Ids or slugs; -1 or none means all.")]


def rows_max(request: Request) -> int:
    """Return the maximum rows of a page."""
    bound: int = state_of(request).settings.per_page_max
    return bound


PageDep = Annotated[PageRequest, page_request(read_time, read_id, rows=rows_max, rows_max=rows_max)]


def time_range_of(
    state: StateDep, start: Start = None, end: End = None, stats_period: StatsPeriod = None
) -> TimeRange:
    """Dependency: the time range of a request, limited to the retention."""
    now = state.clock.now()
    found = read_time_range(now, stats_period=stats_period, start=start, end=end, both_required=True)
    oldest = now - timedelta(days=state.settings.retention_days)
    return TimeRange(max(oldest, found.start or oldest), found.end)


TimeRangeDep = Annotated[TimeRange, Depends(time_range_of)]


def filter_of(
    during: TimeRangeDep,
    status: Annotated[
        str, Query(description="`unresolved`, or empty for reports of issues in any status.")
    ] = "unresolved",
    linked: Annotated[str, Query(description="`false` lists the reports that wait for their event.")] = "true",
    environment: EnvironmentsParam = None,
    query: Annotated[
        str | None, Query(description="Text in comments, name or e-mail address, or an event id.")
    ] = None,
) -> ReportFilter:
    """Dependency: the filter of a request, without organization and projects."""
    if status not in {"unresolved", ""}:
        raise InvalidStatus
    if linked.lower() not in {"true", "false", "1", "0"}:
        raise BadRequest("linked must be true or false.", code="invalid_linked")
    if query is not None and len(query) > TEXT_LENGTH_MAX:
        raise BadRequest(f"query may have {TEXT_LENGTH_MAX} characters at most.", code="invalid_query")
    is_linked = linked.lower() in {"true", "1"}
    return ReportFilter(
        linked=is_linked,
        status="unresolved" if status and is_linked else None,
        environments=environment,
        text=query.strip() if query else None,
        start=during.start,
        end=during.end,
    )


def format_of(
    request: Request,
    export: Annotated[
        str | None, Query(alias="format", description="`csv` or `json`: everything, streamed.")
    ] = None,
) -> Format | None:
    """Dependency: the format of an export, None for a page."""
    return export_format(export, request.headers.get("accept", ""))


FilterDep = Annotated[ReportFilter, Depends(filter_of)]
FormatDep = Annotated[Format | None, Depends(format_of)]
