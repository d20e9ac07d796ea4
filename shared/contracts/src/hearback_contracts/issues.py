"""Issues, events and reports on the wire, as far as services and clients rely on them: there is more in each."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class _Shape(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="allow")


class IssueProject(_Shape):
    """The project of an issue."""

    id: str
    name: str
    slug: str


class Issue(_Shape):
    """A feedback or an error group."""

    id: str
    short_id: str
    title: str
    permalink: str
    status: str
    level: str | None
    project: IssueProject
    metadata: dict[str, Any]
    first_seen: str
    last_seen: str


class FeedbackMetadata(BaseModel):
    """What a feedback says, and who wrote it."""

    model_config = ConfigDict(extra="allow")

    message: str
    name: str | None
    contact_email: str | None


class FeedbackIssue(Issue):
    """A feedback."""

    metadata: FeedbackMetadata  # type: ignore[assignment] # is narrower on the wire, too


class EventTag(_Shape):
    """A tag of an event."""

    key: str
    value: str


class IssueEvent(_Shape):
    """An event of an issue."""

    id: str
    event_id: str = Field(alias="eventID")
    group_id: str = Field(alias="groupID")
    title: str | None
    message: str
    level: str | None
    tags: list[EventTag]
    date_created: str


class IssueReference(_Shape):
    """Where an issue is."""

    organization_slug: str
    project_slug: str
    group_id: str
    short_id: str


class IssueOfShortId(IssueReference):
    """What a short id names."""

    group: Issue


class IssueOfEvent(IssueReference):
    """What an event id names."""

    event_id: str
    event: IssueEvent


class UserReportShape(_Shape):
    """A user report; `name` and `email` are the error event's user's, where the report has none."""

    id: str
    event_id: str = Field(alias="eventID")
    name: str | None
    email: str | None
    comments: str
    date_created: str
