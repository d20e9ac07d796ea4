"""Exports: everything that a search finds, as CSV or JSON, read and written in batches."""

import csv
import io
from collections.abc import AsyncIterator, Sequence

import orjson
from hearback_fleet.access import OrganizationScope
from hearback_kit.errors import BadRequest
from hearback_kit.values.csv_cells import guarded_cell
from hearback_kit.values.times import wire_time

from feedback.api.deps import AppState
from feedback.api.serializers import SerializerContext, group
from feedback.domain.feedback import Feedback
from feedback.store.attachments import find_with_attachments
from feedback.store.feedback_pages import read_page
from feedback.store.feedback_read import Position, Selection

COLUMNS = (
    "id",
    "short_id",
    "event_id",
    "project",
    "status",
    "source",
    "first_seen",
    "received",
    "name",
    "email",
    "message",
    "url",
    "environment",
    "release",
    "platform",
    "level",
    "user_id",
    "associated_event_id",
    "assigned_to",
    "tags",
)


def wanted_format(form: str | None, accept: str) -> str | None:
    """Return `csv` or `json` when an export is asked for, None for a page; raises BadRequest for other formats."""
    if form in {"csv", "json"}:
        return form
    if form:
        raise BadRequest(f"Unknown format: {form[:100]}", code="invalid_format")
    return "csv" if accept.lower().startswith("text/csv") else None


async def _batches(
    state: AppState, scope: OrganizationScope, selection: Selection
) -> AsyncIterator[tuple[Sequence[Feedback], SerializerContext]]:
    """Yield feedback in batches. No connection is held while a slow client reads what was written."""
    size = state.settings.export_batch_rows
    position: Position | None = None
    while True:
        async with state.database.connection() as connection:
            page = await read_page(connection, selection, size, position)
            attached = await find_with_attachments(connection, page.rows)
        if page.rows:
            yield page.rows, await state.serializer_context(scope.organization, page.rows, attached)
        if not page.is_full:
            return
        position = page.end


async def as_csv(state: AppState, scope: OrganizationScope, selection: Selection) -> AsyncIterator[str]:
    """Yield CSV with a header line."""
    yield _csv_lines([COLUMNS])
    async for rows, context in _batches(state, scope, selection):
        yield _csv_lines([_csv_row(row, context) for row in rows])


def _csv_lines(rows: Sequence[Sequence[str]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()


def _csv_row(row: Feedback, context: SerializerContext) -> list[str]:
    project = context.projects.get(row.project_id)
    member = context.member(row.assigned_to)
    values = (
        row.id,
        row.short_id,
        row.event_id,
        project.slug if project else row.project_id,
        row.status,
        row.source,
        wire_time(row.first_seen),
        wire_time(row.received_at),
        row.name,
        row.contact_email or row.user_email,
        row.message,
        row.url,
        row.environment,
        row.release,
        row.platform,
        row.level,
        row.user_id,
        row.associated_event_id,
        member.email if member else None,
        orjson.dumps(row.tags).decode(),
    )
    return [guarded_cell(value) for value in values]


async def as_json(state: AppState, scope: OrganizationScope, selection: Selection) -> AsyncIterator[bytes]:
    """Yield one JSON array of all groups."""
    separator = b"["
    async for rows, context in _batches(state, scope, selection):
        for row in rows:
            yield separator + orjson.dumps(group(row, context))
            separator = b",\n"
    yield b"]" if separator != b"[" else b"[]"
