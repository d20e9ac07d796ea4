"""A stored feedback, as lists show it and with its event."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(kw_only=True)
class FeedbackFields:
    """The fields of a feedback before and after it is stored. Times are UTC; `first_seen` is when it was written.

    Neither frozen nor with slots, which makes it faster to build; its attributes are the row that is stored.
    """

    organization_id: int
    project_id: int
    event_id: str
    submission_id: str
    revision: int
    source: str
    title: str
    message: str
    name: str | None
    contact_email: str | None
    url: str | None
    environment: str
    release: str | None
    dist: str | None
    platform: str
    level: str
    sdk_name: str | None
    user_id: str | None
    user_name: str | None
    user_email: str | None
    associated_event_id: str | None
    error_occurred_at: datetime | None
    first_seen: datetime
    received_at: datetime
    status: str
    tags: dict[str, str]
    evidence: dict[str, Any]

    @property
    def key(self) -> tuple[int, str]:
        """Project and event id, which no other feedback has."""
        return self.project_id, self.event_id

    @property
    def event_tags(self) -> list[tuple[str, str]]:
        """The event's tags in order, with those that Sentry derives from its fields."""
        derived = {"environment": self.environment, "level": self.level}
        return sorted((derived | self.tags).items())


@dataclass(kw_only=True)
class Feedback(FeedbackFields):
    """A feedback issue without its event."""

    id: int
    short_id: str
    substatus: str | None
    priority: str
    status_details: dict[str, Any]
    triaged: bool
    assigned_to: int | None
    has_seen: bool


@dataclass(kw_only=True)
class FeedbackDetail(Feedback):
    """A feedback issue with its normalised event."""

    occurrence_id: str
    fingerprint: str
    event: dict[str, Any]
