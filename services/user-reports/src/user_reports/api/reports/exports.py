"""Complete exports of a list: streamed as CSV or JSON, page by page, so that memory stays small."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import orjson
from fastapi.responses import StreamingResponse
from hearback_contracts.config import OrganizationConfig

from user_reports.api.place import Place
from user_reports.api.shapes import with_issues
from user_reports.domain.model import Report
from user_reports.domain.periods import format_time
from user_reports.store.queries.groups import Group, find_groups
from user_reports.store.queries.lists import ReportFilter, list_reports
from user_reports.store.queries.reports import Position

PAGE_ROWS: Final = 1_000
HEADER: Final = (
    "id",
    "eventID",
    "dateCreated",
    "name",
    "email",
    "comments",
    "environment",
    "linked",
    "project",
    "issueID",
    "issueTitle",
    "issueStatus",
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_Page = tuple[list[Report], dict[int, Group]]


async def pages(place: Place, wanted: ReportFilter) -> AsyncIterator[_Page]:
    """Every page of a list with its groups, up to the export's bound."""
    position: Position | None = None
    rows_left = place.settings.export_rows_max
    while rows_left > 0:
        limit = min(PAGE_ROWS, rows_left)
        async with place.database.connection() as connection:
            reports = await list_reports(connection, wanted, limit=limit, position=position)
            groups = await find_groups(connection, [r.group_id for r in reports if r.group_id])
        if reports:
            yield reports, groups
        if len(reports) < limit:
            return
        rows_left -= len(reports)
        position = (reports[-1].date_added, reports[-1].id or 0)


def csv_response(place: Place, wanted: ReportFilter, organization: OrganizationConfig) -> StreamingResponse:
    """The list as CSV with a header line."""

    async def lines() -> AsyncIterator[str]:
        yield _lines([HEADER])
        async for reports, groups in pages(place, wanted):
            yield _lines([_row(report, groups, organization) for report in reports])

    headers = {"Content-Disposition": 'attachment; filename="user-feedback.csv"'}
    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=headers)


def json_response(place: Place, wanted: ReportFilter, organization: OrganizationConfig) -> StreamingResponse:
    """The list as one JSON array."""

    async def parts() -> AsyncIterator[bytes]:
        first = b"["
        async for reports, groups in pages(place, wanted):
            now, url = place.clock.now(), place.settings.public_url
            shapes = with_issues(reports, groups, organization, now=now, public_url=url)
            yield first + b",".join(orjson.dumps(shape) for shape in shapes)
            first = b","
        yield b"[]" if first == b"[" else b"]"

    return StreamingResponse(parts(), media_type="application/json")


def _row(report: Report, groups: dict[int, Group], organization: OrganizationConfig) -> Sequence[Any]:
    group = groups.get(report.group_id) if report.group_id else None
    project = organization.find_project(str(report.project_id))
    return (
        report.id,
        report.event_id,
        format_time(report.date_added),
        report.name,
        report.email,
        report.comments,
        report.environment or "",
        "true" if report.group_id else "false",
        project.slug if project else report.project_id,
        group.id if group else "",
        group.title if group else "",
        group.status if group else "",
    )


def _lines(rows: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([[_cell(value) for value in row] for row in rows])
    return text.getvalue()


def _cell(value: Any) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
