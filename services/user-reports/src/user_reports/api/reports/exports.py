"""Complete exports of a list: streamed as CSV or JSON, page by page, so that memory stays small."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import orjson
from fastapi.responses import StreamingResponse
from hearback_contracts.config import OrganizationConfig
from hearback_kit.values.csv_cells import guarded_cell

from user_reports.api.deps import AppState
from user_reports.api.serializers import EXPORT_HEADER, export_row, reports_json
from user_reports.domain.model import Position, Report
from user_reports.store.groups import Group, find_groups
from user_reports.store.report_lists import ReportFilter, list_reports

PAGE_ROWS: Final = 1_000
_Page = tuple[list[Report], dict[int, Group]]


async def pages(state: AppState, wanted: ReportFilter) -> AsyncIterator[_Page]:
    """Yield every page of a list with its groups, up to the export's bound."""
    position: Position | None = None
    rows_left = state.settings.export_rows_max
    while rows_left > 0:
        limit = min(PAGE_ROWS, rows_left)
        async with state.database.connection() as connection:
            reports = await list_reports(connection, wanted, limit=limit, position=position)
            groups = await find_groups(connection, [r.group_id for r in reports if r.group_id])
        if reports:
            yield reports, groups
        if len(reports) < limit:
            return
        rows_left -= len(reports)
        position = (reports[-1].date_added, reports[-1].id or 0)


def csv_response(state: AppState, wanted: ReportFilter, organization: OrganizationConfig) -> StreamingResponse:
    """Return the list as CSV with a header line."""

    async def lines() -> AsyncIterator[str]:
        yield _lines([EXPORT_HEADER])
        async for reports, groups in pages(state, wanted):
            yield _lines([export_row(report, groups, organization) for report in reports])

    headers = {"Content-Disposition": 'attachment; filename="user-feedback.csv"'}
    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=headers)


def json_response(state: AppState, wanted: ReportFilter, organization: OrganizationConfig) -> StreamingResponse:
    """Return the list as one JSON array."""

    async def parts() -> AsyncIterator[bytes]:
        first = b"["
        async for reports, groups in pages(state, wanted):
            now, url = state.clock.now(), state.settings.public_url
            shapes = reports_json(reports, groups, organization, now=now, public_url=url)
            yield first + b",".join(orjson.dumps(shape) for shape in shapes)
            first = b","
        yield b"[]" if first == b"[" else b"]"

    return StreamingResponse(parts(), media_type="application/json")


def _lines(rows: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([[guarded_cell(value) for value in row] for row in rows])
    return text.getvalue()
