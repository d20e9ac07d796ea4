"""Single feedback issues: detail, event, tags, change, delete; under the organization's path and a legacy one."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import JSONResponse, Response
from hearback_contracts.issues import IssueEvent, IssueHash, IssueTag, IssueTagValue
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
from hearback_fleet.audit import audit_of
from hearback_fleet.issues import under_both_paths
from hearback_kit.auth import Principal
from hearback_kit.errors import NotFound, existing

from feedback.api import serializers
from feedback.api.deps import StateDep, serializer_context
from feedback.api.issues.bodies import Changes, columns_of
from feedback.api.params import visible
from feedback.domain.context import parse_any_event_id
from feedback.domain.feedback import FeedbackDetail
from feedback.service.app_state import AppState
from feedback.service.delete_feedback import delete_by_id
from feedback.service.triage_issues import OrganizationMember, change_by_id
from feedback.store.activity import list_activity
from feedback.store.attachments import find_with_attachments
from feedback.store.feedback_read import find_by_id, find_by_name

IssueId = Annotated[str, Path(description="Id or short id of the issue.", max_length=200)]
Caller = Annotated[Principal, Depends(principal_of)]
Json = dict[str, Any]
WHICHEVER = frozenset({"latest", "oldest", "recommended"})  # there is one event


@dataclass(frozen=True, slots=True)
class Found:
    """An issue that the caller may see, with its organization."""

    feedback: FeedbackDetail
    scope: OrganizationScope


def issue_scope(*scopes: str) -> Any:
    """Dependency: the issue of the path, for callers with any of `scopes`.

    An issue of another organization is 404, as if it did not exist.
    """

    async def resolve(
        request: Request, state: StateDep, principal: Caller, issue_id: IssueId, organization: str | None = None
    ) -> Found:
        config = None
        if organization is not None:
            config = await find_organization(access_of(request), organization)
            require(principal, config.id, scopes)
        organizations = [config.id] if config else list(principal.tenants)
        feedback = await state.database.read(find_by_name, organizations, issue_id)
        if feedback is not None and config is None:
            config = await state.configuration.organization(feedback.organization_id)
        if feedback is None or config is None:
            raise NotFound
        require(principal, config.id, scopes)
        scope = OrganizationScope(principal, config)
        if not visible(scope):
            raise NotFound
        return Found(feedback, scope)

    return Depends(resolve)


Readable = Annotated[Found, issue_scope(*EVENT_READ)]
Writable = Annotated[Found, issue_scope(*EVENT_WRITE)]
Deletable = Annotated[Found, issue_scope(*EVENT_DELETE)]

_issue = APIRouter(prefix="/issues/{issue_id}", tags=["issues"])


@_issue.get("/", name="getIssue", summary="Get an issue", response_class=JSONResponse)
async def get_issue(state: StateDep, found: Readable) -> Json:
    """Return the feedback as a group."""
    return await _detail(state, found)


async def _detail(state: AppState, found: Found) -> Json:
    async with state.database.connection() as connection:
        attached = await find_with_attachments(connection, [found.feedback])
        changes = await list_activity(connection, found.feedback.id, state.settings.activity_max)
    context = await serializer_context(state, found.scope.organization, [found.feedback], attached)
    return serializers.detail(found.feedback, context, changes)


@_issue.put("/", name="updateIssue", summary="Change an issue")
async def change_issue(state: StateDep, found: Writable, changes: Changes) -> Json:
    """Change status, assignee or seen mark; return the whole issue."""
    columns = columns_of(changes, found.scope.organization)
    feedback = found.feedback
    member = OrganizationMember(found.scope.organization, found.scope.principal.email)
    counted = await change_by_id(
        state.unit_of_work, state.spam_prior, member, [feedback.project_id], [feedback.id], columns
    )
    if not counted.found:
        raise NotFound
    after = await state.database.read(find_by_id, feedback.id, [feedback.organization_id])
    return await _detail(state, Found(existing(after), found.scope))


@_issue.delete("/", name="deleteIssue", summary="Delete an issue", status_code=202, response_class=Response)
async def delete_issue(request: Request, state: StateDep, found: Deletable) -> Response:
    """Delete the feedback and what belongs to it."""
    feedback = found.feedback
    audit = await audit_of(request, found.scope)
    if not await delete_by_id(state.unit_of_work, audit, [feedback.project_id], [feedback.id]):
        raise NotFound
    return Response(status_code=202)


@_issue.get("/events/", name="listIssueEvents", summary="List an issue's events", response_model=list[IssueEvent])
async def list_events(state: StateDep, found: Readable) -> Response:
    """Return the issue's only event, in a list."""
    context = await serializer_context(state, found.scope.organization, [found.feedback])
    return JSONResponse([serializers.event(found.feedback, context)], headers={"X-Hits": "1"})


@_issue.get("/events/{event_id}/", name="getIssueEvent", summary="Get an issue's event")
async def get_event(
    state: StateDep, found: Readable, event_id: Annotated[str, Path(description="Event id, or `latest`.")]
) -> Json:
    """Return the feedback's event with tags, contexts, user and occurrence."""
    if event_id not in WHICHEVER and parse_any_event_id(event_id) != found.feedback.event_id:
        raise NotFound("Event not found")
    context = await serializer_context(state, found.scope.organization, [found.feedback])
    return serializers.event(found.feedback, context)


@_issue.get("/tags/", name="listIssueTags", summary="List an issue's tags", response_model=list[IssueTag])
async def list_tags(found: Readable) -> JSONResponse:
    """Return the issue's tags."""
    tags = found.feedback.event_tags
    return JSONResponse([serializers.tag_summary(found.feedback, key, value) for key, value in tags])


@_issue.get("/tags/{key}/", name="getIssueTag", summary="Get one of an issue's tags", response_model=IssueTag)
async def get_tag(found: Readable, key: str) -> JSONResponse:
    """Return one of the issue's tags."""
    return JSONResponse(serializers.tag_summary(found.feedback, key, _tag(found, key)))


@_issue.get(
    "/tags/{key}/values/",
    name="listIssueTagValues",
    summary="List the values of one of an issue's tags",
    response_model=list[IssueTagValue],
)
async def list_tag_values(found: Readable, key: str) -> JSONResponse:
    """Return the tag's only value, in a list."""
    return JSONResponse([serializers.tag_value(found.feedback, key, _tag(found, key))])


def _tag(found: Found, key: str) -> str:
    return existing(dict(found.feedback.event_tags).get(key))


@_issue.get(
    "/hashes/", name="listIssueHashes", summary="List an issue's fingerprints", response_model=list[IssueHash]
)
async def list_hashes(found: Readable) -> JSONResponse:
    """Return the issue's only fingerprint."""
    feedback = found.feedback
    return JSONResponse([{"id": feedback.fingerprint, "latestEvent": {"eventID": feedback.event_id}}])


router = under_both_paths(_issue)
