"""Answers as strict clients read them: the types below are those that the MCP server and the CLI insist on.

Both validate what they get; a text where they expect a number, or null where they expect an object, ends the call.
"""

# ruff: noqa: N815

from datetime import datetime
from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, TypeAdapter

from ..conftest import EVENT, Api, Files

LIST = "/api/0/organizations/demo/issues/"


def _is_wire_time(text: str) -> str:
    assert text.endswith("Z")
    datetime.fromisoformat(text)
    return text


def _is_url(text: str) -> str:
    assert text.startswith(("http://", "https://"))
    return text


Time = Annotated[str, AfterValidator(_is_wire_time)]
Url = Annotated[str, AfterValidator(_is_url)]


class Strict(BaseModel):
    """No value is converted: `"1"` is no number and `1` no text."""

    model_config = ConfigDict(strict=True, extra="allow")


class Project(Strict):
    id: str
    slug: str
    name: str
    platform: str | None


class Assignee(Strict):
    type: Literal["user", "team"]
    id: str
    name: str
    email: str


class Metadata(Strict):
    title: str
    value: str
    message: str
    name: str | None
    contact_email: str | None
    source: str
    summary: str
    initial_priority: int


class Issue(Strict):
    id: str
    shortId: str
    title: str
    culprit: str
    permalink: Url
    firstSeen: Time
    lastSeen: Time
    count: str
    userCount: int
    numComments: int
    project: Project
    platform: str
    status: str
    substatus: str | None
    priority: str
    type: str
    issueType: str
    issueCategory: str
    assignedTo: Assignee | None
    metadata: Metadata
    hasSeen: bool


class TagValue(Strict):
    key: str
    name: str
    value: str
    count: int
    firstSeen: Time
    lastSeen: Time


class Tag(Strict):
    key: str
    name: str
    totalValues: int
    uniqueValues: int
    topValues: list[TagValue]


class Detail(Issue):
    tags: list[Tag]
    activity: list[dict[str, Any]]
    seenBy: list[dict[str, Any]]
    userReportCount: int


class EvidenceRow(Strict):
    name: str
    value: str
    important: bool


class Occurrence(Strict):
    id: str
    projectId: int
    eventId: str
    fingerprint: list[str]
    issueTitle: str
    subtitle: str
    resourceId: str | None
    evidenceData: dict[str, Any]
    evidenceDisplay: list[EvidenceRow]
    type: int
    detectionTime: float | int
    level: str
    culprit: str
    priority: int
    assignee: str | None


class User(Strict):
    id: str | None
    email: str | None
    username: str | None
    name: str | None
    ip_address: str | None
    geo: dict[str, str | None] | None
    data: dict[str, Any] | None


class EventTag(Strict):
    key: str
    value: str


class Entry(Strict):
    type: str
    data: dict[str, Any]


class Sdk(Strict):
    name: str | None
    version: str | None


class Event(Strict):
    id: str
    eventID: str
    groupID: str
    projectID: str
    title: str
    message: str
    platform: str
    type: Literal["generic"]
    culprit: str
    dateCreated: Time
    dateReceived: Time
    entries: list[Entry]
    contexts: dict[str, dict[str, Any]]
    context: dict[str, Any]
    packages: dict[str, Any]
    sdk: Sdk | None
    release: dict[str, str] | None
    dist: str | None
    tags: list[EventTag]
    user: User | None
    occurrence: Occurrence


class Attachment(Strict):
    id: str
    name: str
    type: str
    size: int
    mimetype: str
    dateCreated: Time
    headers: dict[str, str]
    sha1: str


class ShortId(Strict):
    organizationSlug: str
    projectSlug: str
    groupId: str
    shortId: str
    group: Issue


# An event whose every part has another type than an SDK should send.
ODD: dict[str, Any] = {
    "user": {"id": 5, "email": None, "username": True, "ip_address": 1.5, "geo": {"city": 7}, "plan": [1]},
    "contexts": {"os": "Linux", "browser": {"name": 7}, "list": [1], "feedback": {"name": 3}},
    "sdk": {"name": 5, "version": None, "packages": {}},
    "tags": [["number", 1], ["yes", True]],
    "release": 7, "dist": 8, "platform": 9, "level": 10, "environment": 11,
    "extra": [1, 2], "modules": "all", "breadcrumbs": "crumbs", "request": "GET /", "transaction": 1,
}  # fmt: skip
ORDINARY: dict[str, Any] = {
    "user": {"id": "7", "email": "jane@example.com"},
    "contexts": {"os": {"name": "Linux"}},
    "breadcrumbs": {"values": [{"message": "click"}]},
    "release": "web@1",
}


def check(kind: Any, found: Any) -> None:
    TypeAdapter(kind).validate_python(found)


@pytest.mark.parametrize("event", [ORDINARY, ODD, {}], ids=["ordinary", "odd", "least"])
async def test_every_answer_has_the_types_that_clients_expect(
    api: Api, files: Files, event: dict[str, Any]
) -> None:
    more = dict(event)
    contexts = dict(more.pop("contexts", {}))
    await api.submit("types", event_id=EVENT, feedback=contexts.pop("feedback", {}), contexts=contexts, **more)
    await files.store()
    [row] = await api.list()
    issue = f"{LIST}{row['id']}/"
    triage = {"assignedTo": "dev@example.com", "hasSeen": True, "status": "resolved"}
    check(Detail, (await api.client.put(issue, json=triage)).json())
    for path, kind in (
        (f"{LIST}?query=issue.category:feedback", list[Issue]),
        (f"{LIST}?query=issue.category:feedback&format=json", list[Issue]),
        (f"{LIST}?id={row['id']}", list[Issue]),
        (f"{LIST}?query={row['shortId']}&shortIdLookup=1", list[Detail]),
        (issue, Detail),
        (f"/api/0/issues/{row['id']}/", Detail),
        (f"{LIST}{row['shortId']}/", Detail),
        (f"{issue}events/", list[Event]),
        *((f"{issue}events/{name}/", Event) for name in ("latest", "oldest", "recommended", EVENT)),
        (f"{issue}tags/", list[Tag]),
        (f"{issue}tags/level/", Tag),
        (f"{issue}tags/level/values/", list[TagValue]),
        (f"{issue}hashes/", list[dict[str, Any]]),
        (f"/api/0/organizations/demo/shortids/{row['shortId']}/", ShortId),
        (files.path(), list[Attachment]),
    ):
        response = await api.client.get(path)
        assert response.status_code == 200, (path, response.text)
        check(kind, response.json())
