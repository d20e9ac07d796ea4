"""Exports: every match of a search as CSV or JSON, streamed in batches."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

import orjson
from fastapi.responses import Response
from hearback_fleet.access import OrganizationScope
from hearback_kit.api.exports import csv_stream, json_stream
from hearback_kit.db.rows import Window
from hearback_kit.values.times import wire_time

from feedback.api.deps import serializer_context
from feedback.api.serializers import SerializerContext, group
from feedback.domain.feedback import Feedback
from feedback.service.app_state import AppState
from feedback.store.attachments import find_with_attachments
from feedback.store.feedback_pages import read_page
from feedback.store.feedback_read import Selection

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


def as_csv(state: AppState, scope: OrganizationScope, selection: Selection) -> Response:
    """Return a selection as a CSV file with a header line."""

    async def lines() -> AsyncIterator[list[list[Any]]]:
        async for rows, context in _batches(state, scope, selection):
            yield [_csv_row(row, context) for row in rows]

    return csv_stream(COLUMNS, lines(), filename="feedback.csv")


def as_json(state: AppState, scope: OrganizationScope, selection: Selection) -> Response:
    """Return a selection as one JSON array of groups."""

    async def groups() -> AsyncIterator[list[dict[str, Any]]]:
        async for rows, context in _batches(state, scope, selection):
            yield [group(row, context) for row in rows]

    return json_stream(groups(), filename="feedback.json")


def _csv_row(row: Feedback, context: SerializerContext) -> list[Any]:
    project = context.projects.get(row.project_id)
    member = context.organization.member(row.assigned_to)
    return [
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
    ]
