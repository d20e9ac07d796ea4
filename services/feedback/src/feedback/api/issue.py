"""One feedback: detail, event, tags, change, delete; under the organization's path and the older one without."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import JSONResponse, Response
from hearback_fleet.access import (
    EVENT_DELETE,
    EVENT_READ,
    EVENT_WRITE,
    OrganizationScope,
    access_of,
    find_organization,
    principal_of,
    require,
)
from hearback_kit.auth import Principal
from hearback_kit.errors import NotFound

from feedback.api import shapes
from feedback.api.bulk import change_chunk, remove_chunk
from feedback.api.changes import Changes, columns_of
from feedback.api.parameters import visible
from feedback.api.surroundings import running, surroundings
from feedback.domain.filtering import linked_event_id
from feedback.store.attachments import find_with_attachments
from feedback.store.queries import find_by_short_id, find_issue

IssueId = Annotated[str, Path(description="Id or short id of the issue.", max_length=200)]
Caller = Annotated[Principal, Depends(principal_of)]
Json = dict[str, Any]


class Found:
    """An issue that the caller may see, with its organization."""

    def __init__(self, row: Any, scope: OrganizationScope) -> None:
        self.row = row
        self.scope = scope


def issue_scope(*scopes: str) -> Any:
    """Dependency: the issue of the path, for callers with any of `scopes`.

    An issue of another organization is 404, as if it were not there.
    """

    async def resolve(
        request: Request, principal: Caller, issue_id: IssueId, organization: str | None = None
    ) -> Found:
        config = None
        if organization is not None:
            config = await find_organization(access_of(request), organization)
            require(principal, config.id, scopes)
        row = await _find(request, issue_id, config.id if config else None)
        if row is not None and config is None and row.organization_id in principal.tenants:
            config = await access_of(request).configuration.organization(row.organization_id)
        if row is None or config is None:
            raise NotFound
        require(principal, config.id, scopes)
        scope = OrganizationScope(principal, config)
        if not visible(scope):
            raise NotFound
        return Found(row, scope)

    return Depends(resolve)


async def _find(request: Request, issue_id: str, organization_id: int | None) -> Any:
    async with running(request).database.connection() as connection:
        if issue_id.isascii() and issue_id.isdigit():
            number = int(issue_id) if len(issue_id) < 20 else -1
            return await find_issue(connection, number, organization_id) if 0 <= number < 1 << 63 else None
        if organization_id is None:
            return None
        return await find_by_short_id(connection, organization_id, issue_id)


Readable = Annotated[Found, issue_scope(*EVENT_READ)]
Writable = Annotated[Found, issue_scope(*EVENT_WRITE)]
Deletable = Annotated[Found, issue_scope(*EVENT_DELETE)]


def single_issue_routes() -> APIRouter:
    """The routes of one issue, under both prefixes."""
    router = APIRouter(tags=["issues"])
    for prefix, suffix in (("/api/0/organizations/{organization}", ""), ("/api/0", "Legacy")):
        base = prefix + "/issues/{issue_id}/"
        for path, handler, method, name in (
            ("", get_issue, "GET", "getIssue"),
            ("", change_issue, "PUT", "updateIssue"),
            ("", remove_issue, "DELETE", "deleteIssue"),
            ("events/", list_events, "GET", "listIssueEvents"),
            ("events/{event_id}/", get_event, "GET", "getIssueEvent"),
            ("tags/", list_tags, "GET", "listIssueTags"),
            ("tags/{key}/", get_tag, "GET", "getIssueTag"),
            ("hashes/", list_hashes, "GET", "listIssueHashes"),
        ):
            router.add_api_route(
                base + path,
                handler,
                methods=[method],
                operation_id=name + suffix,
                status_code=202 if method == "DELETE" else 200,
                response_class=Response if method == "DELETE" else JSONResponse,
                deprecated=bool(suffix) or None,
            )
    return router


async def get_issue(request: Request, found: Readable) -> Json:
    """The feedback in Sentry's group shape."""
    return await _detail(request, found)


async def _detail(request: Request, found: Found) -> Json:
    async with running(request).database.connection() as connection:
        attached = await find_with_attachments(connection, [found.row])
    around = await surroundings(request, found.scope.organization, [found.row], attached)
    return shapes.detail(found.row, around)


async def change_issue(request: Request, found: Writable, changes: Changes) -> Json:
    """Change status, assignee or seen mark; answers with the whole issue."""
    columns = columns_of(changes, found.scope.organization)
    row = found.row
    if not await change_chunk(running(request), row.organization_id, [row.project_id], [row.id], columns):
        raise NotFound
    row = await _find(request, str(row.id), row.organization_id)
    if row is None:
        raise NotFound
    return await _detail(request, Found(row, found.scope))


async def remove_issue(request: Request, found: Deletable) -> Response:
    """Delete the feedback and what belongs to it."""
    row = found.row
    if not await remove_chunk(running(request), row.organization_id, [row.project_id], [row.id]):
        raise NotFound
    return Response(status_code=202)


async def list_events(request: Request, found: Readable) -> Response:
    """The issue's events: one."""
    around = await surroundings(request, found.scope.organization, [found.row])
    return JSONResponse([shapes.event(found.row, around)], headers={"X-Hits": "1"})


async def get_event(
    request: Request, found: Readable, event_id: Annotated[str, Path(description="Event id, or `latest`.")]
) -> Json:
    """The feedback's event with tags, contexts, user and occurrence."""
    if event_id not in {"latest", "oldest", "recommended"} and linked_event_id(event_id) != found.row.event_id:
        raise NotFound("Event not found")
    around = await surroundings(request, found.scope.organization, [found.row])
    return shapes.event(found.row, around)


async def list_tags(found: Readable) -> list[Json]:
    """The issue's tags."""
    return [shapes.tag_summary(key, value) for key, value in shapes.event_tags(found.row)]


async def get_tag(found: Readable, key: str) -> Json:
    """One of the issue's tags."""
    values = dict(shapes.event_tags(found.row))
    if key not in values:
        raise NotFound
    return shapes.tag_summary(key, values[key])


async def list_hashes(found: Readable) -> list[Json]:
    """The issue's only fingerprint."""
    return [{"id": found.row.fingerprint, "latestEvent": {"eventID": found.row.event_id}}]
