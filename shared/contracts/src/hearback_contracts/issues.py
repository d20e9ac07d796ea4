"""JSON of issues, events and reports: the fields that services and clients rely on; responses have more."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

STATUSES: Final = ("unresolved", "resolved", "ignored")
STATUSES_BY_NAME: Final[Mapping[str, str]] = {
    **{status: status for status in STATUSES},
    "resolvedInNextRelease": "resolved",
    "archived": "ignored",
    "muted": "ignored",
}
"""Statuses by the names that requests may give them."""
STATUS_CONDITIONS: Final = ("ignoreDuration", "ignoreCount", "ignoreUserCount", "ignoreUntil", "ignoreWindow")
"""Until when something is ignored: status details, which older clients send beside the status."""
ASKS_FOR_NOTHING: Final[Mapping[str, bool | None]] = {
    "isBookmarked": False,
    "isPublic": False,
    "merge": False,
    "discard": False,
    "snoozeDuration": None,
}
"""Fields of Sentry that no issue has a use for, with the value that leaves an issue as it is."""


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
    """The message and sender of a feedback."""

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


class IssueTagValue(_Shape):
    """A value of a tag, and how many events have it."""

    key: str
    name: str
    value: str
    count: int
    first_seen: str
    last_seen: str


class IssueTag(_Shape):
    """A tag of an issue's events, with its most frequent values."""

    key: str
    name: str
    total_values: int
    unique_values: int
    top_values: list[IssueTagValue]


class IssueHash(_Shape):
    """A fingerprint of an issue's events, with the newest of them."""

    id: str
    latest_event: dict[str, Any] | None


class IssueReference(_Shape):
    """The organization and project of an issue."""

    organization_slug: str
    project_slug: str
    group_id: str
    short_id: str


class IssueOfShortId(IssueReference):
    """The issue of a short id."""

    group: Issue


class IssueOfEvent(IssueReference):
    """The issue of an event id."""

    event_id: str
    event: IssueEvent


class UserReportShape(_Shape):
    """A user report; `name` and `email` default to the error event's user's."""

    id: str
    event_id: str = Field(alias="eventID")
    name: str | None
    email: str | None
    comments: str
    date_created: str
