"""Exports: every match of a search as CSV or JSON, streamed in batches."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import orjson
from fastapi.responses import Response
from hearback_fleet.access import OrganizationScope
from hearback_kit.api.exports import Format, csv_stream, json_stream
from hearback_kit.db.rows import Window
from hearback_kit.values.times import wire_time

from feedback.api.deps import serializer_context
from feedback.api.serializers import SerializerContext, group
from feedback.domain.feedback import Feedback
from feedback.service.app_state import AppState
from feedback.store.attachments import find_with_attachments
from feedback.store.feedback_pages import read_page
from feedback.store.feedback_read import Selection

Cell = Callable[[Feedback, SerializerContext], Any]
_CELLS: Final[Mapping[str, Cell]] = {
    "id": lambda row, _: row.id,
    "short_id": lambda row, _: row.short_id,
    "event_id": lambda row, _: row.event_id,
    "project": lambda row, context: context.project_slug(row.project_id),
    "status": lambda row, _: row.status,
    "source": lambda row, _: row.source,
    "first_seen": lambda row, _: wire_time(row.first_seen),
    "received": lambda row, _: wire_time(row.received_at),
    "name": lambda row, _: row.name,
    "email": lambda row, _: row.contact_email or row.user_email,
    "message": lambda row, _: row.message,
    "url": lambda row, _: row.url,
    "environment": lambda row, _: row.environment,
    "release": lambda row, _: row.release,
    "platform": lambda row, _: row.platform,
    "level": lambda row, _: row.level,
    "user_id": lambda row, _: row.user_id,
    "associated_event_id": lambda row, _: row.associated_event_id,
    "assigned_to": lambda row, context: context.email_of(row.assigned_to),
    "tags": lambda row, _: orjson.dumps(row.tags).decode(),
}


def export(state: AppState, scope: OrganizationScope, selection: Selection, chosen: Format) -> Response:
    """Return a selection as a CSV file with a header line, or as one JSON array of groups."""
    batches = _batches(state, scope, selection)
    if chosen == "csv":
        lines = (
            [[read(row, context) for read in _CELLS.values()] for row in rows] async for rows, context in batches
        )
        return csv_stream(list(_CELLS), lines, filename="feedback.csv")
    groups = ([group(row, context) for row in rows] async for rows, context in batches)
    return json_stream(groups, filename="feedback.json")


async def _batches(
    state: AppState, scope: OrganizationScope, selection: Selection
) -> AsyncIterator[tuple[Sequence[Feedback], SerializerContext]]:
    """Yield feedback in batches. No connection is held while a slow client reads what was written."""
    size = state.settings.export_batch_rows
    position: tuple[datetime, int] | None = None
    while True:
        async with state.reading(scope.organization) as connection:
            page = await read_page(connection, selection, Window(size, position))
            attached = await find_with_attachments(connection, page.rows)
        if page.rows:
            yield page.rows, await serializer_context(state, scope.organization, page.rows, attached)
        if len(page.rows) < size:
            return
        position = (page.rows[-1].first_seen, page.rows[-1].id)
