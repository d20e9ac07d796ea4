"""Messages to the notifier. Their JSON Schemas are beside those of `events`."""

from typing import Final, Literal

from pydantic import Field

from hearback_contracts.events import Message, Part, UtcTime
from hearback_contracts.sources import FeedbackSource

NOTICE_TAGS_MAX: Final = 50
"""Maximum tags of a feedback in a notice."""


class FeedbackContent(Part):
    """A stored feedback: the content of its notices."""

    organization_id: int
    issue_id: int
    short_id: str
    event_id: str
    submission_id: str = Field(description="The submission whose fate records the decision.")
    source: FeedbackSource
    is_spam: bool | None = Field(default=None, description="The verdict; None when there is none.")
    title: str
    message: str
    name: str | None = None
    contact_email: str | None = None
    url: str | None = None
    environment: str | None = None
    release: str | None = None
    platform: str | None = None
    level: str | None = None
    tags: dict[str, str] = Field(default={})
    associated_event_id: str | None = None
    attachments: int = Field(default=0, description="Attachments known so far.")
    received_at: UtcTime


class FeedbackCreated(Message):
    """A feedback from any source was stored as an issue. No `b`."""

    type: Literal["feedback.created"] = "feedback.created"
    feedback: FeedbackContent


class FeedbackCreatedTogether(Message):
    """Feedback of a project that one transaction stored: version 2 of `FeedbackCreated`. No `b`."""

    version: Literal[2] = 2  # type: ignore[assignment]
    type: Literal["feedback.created"] = "feedback.created"
    feedback: tuple[FeedbackContent, ...]


class FeedbackChanged(Message):
    """The status of a feedback issue changed. No `b`.

    `ignored` to `unresolved` is a person's "not spam".
    """

    type: Literal["feedback.changed"] = "feedback.changed"
    feedback: FeedbackContent
    previous_status: str
    status: str
    changed_by: str | None = Field(default=None, description="E-mail address of the member; None for the system.")


class UserReportLinked(Message):
    """A user report was linked to its error event and its group, which members follow. No `b`."""

    type: Literal["user-report.linked"] = "user-report.linked"
    organization_id: int
    submission_id: str
    event_id: str
    group_id: int
    group_short_id: str
    group_title: str
    name: str | None = None
    email: str | None = None
    comments: str
    environment: str | None = None
    received_at: UtcTime
    followers: tuple[int, ...] = Field(default=(), description="Ids of the members who follow the group.")


class AlertChanged(Message):
    """A project's alert rule on losses or silence began to fire or was resolved. No `b`."""

    type: Literal["alert.changed"] = "alert.changed"
    organization_id: int
    rule_id: int
    name: str
    kind: str = Field(description="What the rule watches: `discards`, `discard_share` or `silence`.")
    is_firing: bool
    value: float
    threshold: float
    measured_at: UtcTime


NOTICES: Final[tuple[type[Message], ...]] = (
    FeedbackCreated,
    FeedbackCreatedTogether,
    FeedbackChanged,
    UserReportLinked,
    AlertChanged,
)
