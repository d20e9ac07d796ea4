"""Exports of a complete list as CSV or JSON, streamed page by page."""

from collections.abc import AsyncIterator
from typing import Final

from fastapi.responses import StreamingResponse
from hearback_contracts.config import OrganizationConfig
from hearback_kit.api.exports import Format, csv_stream, json_stream
from hearback_kit.db.rows import Window

from user_reports.api.serializers import EXPORTED, export_row, reports_json
from user_reports.domain.model import Position, Report
from user_reports.service.app_state import AppState
from user_reports.store.groups import Group, find_groups
from user_reports.store.report_lists import ReportFilter, list_reports

PAGE_ROWS: Final = 1_000
_Page = tuple[list[Report], dict[int, Group]]


def export(
    state: AppState, wanted: ReportFilter, organization: OrganizationConfig, chosen: Format
) -> StreamingResponse:
    """Return the whole list, up to the export's limit, in a format."""
    pages = _pages(state, organization, wanted)
    if chosen == "csv":
        rows = (
            [export_row(report, groups, organization) for report in reports] async for reports, groups in pages
        )
        return csv_stream(list(EXPORTED), rows, filename="user-feedback.csv")
    return json_stream(reports_json(state, reports, groups, organization) async for reports, groups in pages)


async def _pages(state: AppState, organization: OrganizationConfig, wanted: ReportFilter) -> AsyncIterator[_Page]:
    position: Position | None = None
    rows_left = state.settings.export_rows_max
    while rows_left > 0:
        limit = min(PAGE_ROWS, rows_left)
        async with state.database.connection(share=organization.id) as connection:
            reports = await list_reports(connection, wanted, Window(limit, position))
            groups = await find_groups(connection, [r.group_id for r in reports if r.group_id])
        if reports:
            yield reports, groups
        if len(reports) < limit:
            return
        rows_left -= len(reports)
        position = reports[-1].position
