"""Changing and deleting many issues, by id or by search, in transactions of a bounded size."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from hearback_contracts.config import OrganizationConfig
from hearback_contracts.reasons import Reason
from hearback_fleet.access import OrganizationScope
from hearback_fleet.recording import Record
from hearback_kit.errors import BadRequest

from feedback.api.changes import Changes, columns_of
from feedback.api.parameters import Filters, read_search, select_feedback, visible
from feedback.api.surroundings import Running, running
from feedback.fates import SERVICE, tell_deleted, tell_sorted
from feedback.metrics import DELETED
from feedback.store.queries import Selection
from feedback.store.triage import change, find_ids, remove

CHUNK_MAX = 500


async def change_many(
    request: Request,
    scope: OrganizationScope,
    shared: Filters,
    ids: list[int] | None,
    query: str,
    changes: Changes,
) -> Response:
    """Change issues by id or by search; 204 when there were none."""
    parts = running(request)
    columns = columns_of(changes, scope.organization)
    projects = scope.project_ids(shared.projects)
    changed = 0
    async for chunk in _chunks(parts, scope, shared, ids, query):
        changed += await change_chunk(parts, scope.organization.id, projects, chunk, columns)
    if not changed:
        return Response(status_code=204)
    return JSONResponse(echo(changes, columns, scope.organization))


def echo(changes: Changes, columns: dict[str, Any], organization: OrganizationConfig) -> dict[str, Any]:
    """What was set, in the API's names."""
    answer: dict[str, Any] = {}
    if "status" in columns:
        answer |= {"status": columns["status"], "statusDetails": columns["status_details"]}
        answer["substatus"] = columns["substatus"]
    if "assigned_to" in columns:
        member = next((m for m in organization.members if m.id == columns["assigned_to"]), None)
        answer["assignedTo"] = (
            {"type": "user", "id": str(member.id), "name": member.name or member.email, "email": member.email}
            if member
            else None
        )
    if changes.has_seen is not None:
        answer["hasSeen"] = changes.has_seen
    return answer


async def remove_many(
    request: Request, scope: OrganizationScope, shared: Filters, ids: list[int] | None, query: str
) -> None:
    """Delete issues by id or by search."""
    if ids is None and not query.strip():
        raise BadRequest("Name the issues by id or by a query.", code="nothing_named")
    parts = running(request)
    projects = scope.project_ids(shared.projects)
    async for chunk in _chunks(parts, scope, shared, ids, query):
        await remove_chunk(parts, scope.organization.id, projects, chunk)


async def _chunks(
    parts: Running, scope: OrganizationScope, shared: Filters, ids: list[int] | None, query: str
) -> AsyncIterator[list[int]]:
    if ids is not None:
        named = ids if visible(scope) else []
        for start in range(0, len(named), CHUNK_MAX):
            yield named[start : start + CHUNK_MAX]
        return
    search = read_search(query, parts.clock.now(), parts.settings)
    selection = select_feedback(scope, search, shared)
    async for chunk in _found(parts, selection):
        yield chunk


async def _found(parts: Running, selection: Selection) -> AsyncIterator[list[int]]:
    """The ids of a selection in ascending chunks; what changes meanwhile neither repeats nor skips."""
    after = 0
    while True:
        async with parts.database.connection() as connection:
            chunk = await find_ids(connection, selection, CHUNK_MAX, after)
        if chunk:
            after = chunk[-1]
            yield chunk
        if len(chunk) < CHUNK_MAX:
            return


async def change_chunk(
    parts: Running, organization_id: int, project_ids: Sequence[int], ids: Sequence[int], columns: dict[str, Any]
) -> int:
    """Change issues by id in one transaction that also tells their fate; returns how many there were."""
    record = Record(SERVICE, parts.clock, parts.settings.stream_shards)
    async with parts.database.transaction() as connection:
        changed = await change(connection, organization_id, project_ids, ids, columns)
        if "status" in columns:
            for feedback in changed:
                tell_sorted(record, feedback, columns["status"])
        await parts.outbox.add(connection, record.messages())
    parts.relay.wake()
    return len(changed)


async def remove_chunk(
    parts: Running, organization_id: int, project_ids: Sequence[int], ids: Sequence[int]
) -> int:
    """Delete issues by id in one transaction that also tells their fate; returns how many there were."""
    async with parts.database.transaction() as connection:
        removed = await remove(
            connection, organization_id, project_ids, ids, parts.clock.now(), Reason.DELETED.value
        )
        record = Record(SERVICE, parts.clock, parts.settings.stream_shards)
        for feedback in removed:
            tell_deleted(record, feedback)
        await parts.outbox.add(connection, record.messages())
    parts.relay.wake()
    DELETED.labels("person").inc(len(removed))
    return len(removed)
