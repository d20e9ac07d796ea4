"""Reports, the error events they are about, and what a report's way in says of it."""

from datetime import datetime
from typing import Any

import msgspec
from hearback_contracts.outcomes import SubmissionState
from hearback_contracts.reasons import Reason
from hearback_contracts.sources import FeedbackSource


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """A report as it came in, already valid; `event_id` is 32 hex digits.

    `message_id` identifies the delivery: the same id again is the same submission.
    """

    message_id: str
    organization_id: int
    project_id: int
    event_id: str
    name: str
    email: str
    comments: str
    source: FeedbackSource
    received_at: datetime
    key_id: int | None = None
    sdk: str | None = None
    remote_addr: str | None = None
    marks: tuple[str, ...] = ()


class IndexedEvent(msgspec.Struct, kw_only=True):
    """An error event as the index keeps it; `environment` is None when the event names none."""

    organization_id: int
    project_id: int
    event_id: str
    received_at: datetime
    timestamp: datetime
    group_id: int
    title: str
    culprit: str
    message: str | None = None
    environment: str | None = None
    release: str | None = None
    dist: str | None = None
    platform: str | None = None
    level: str | None = None
    logger: str | None = None
    transaction: str | None = None
    url: str | None = None
    user: dict[str, str] | None = None
    tags: dict[str, str] = {}
    replay_id: str | None = None
    trace: dict[str, Any] | None = None
    sdk: str | None = None


class Report(msgspec.Struct, kw_only=True):
    """A stored report. It waits while `group_id` is None.

    `date_added` is when it first came (the modal renews it), `submitted_at` when its present words came,
    `environment` is "" for an event without one, `revision` counts replacements.
    """

    id: int | None = None
    organization_id: int
    project_id: int
    event_id: str
    name: str
    email: str
    comments: str
    source: FeedbackSource
    date_added: datetime
    submitted_at: datetime
    message_id: str
    revision: int = 0
    key_id: int | None = None
    sdk: str | None = None
    remote_addr: str | None = None
    marks: tuple[str, ...] = ()
    environment: str | None = None
    group_id: int | None = None
    linked_at: datetime | None = None
    event_at: datetime | None = None
    event_user: dict[str, str] | None = None

    @property
    def state(self) -> SubmissionState:
        """The state that its submission is in, as far as this service knows."""
        return SubmissionState.WAITING_FOR_EVENT if self.group_id is None else SubmissionState.LINKED

    def link(self, event: IndexedEvent, at: datetime) -> None:
        """Tie the report to its event."""
        self.environment = event.environment or ""
        self.group_id = event.group_id
        self.linked_at = at
        self.event_at = event.timestamp
        self.event_user = event.user


class Deleted(msgspec.Struct, frozen=True):
    """What is remembered of a report that a person deleted, none of its words: where its last submission stood."""

    revision: int
    submitted_at: datetime
    message_id: str


Key = tuple[int, str]
"""A project's id and an event's id: what a report and its event have in common."""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A submission that is not stored, and why; `submission_id` names it in the journal."""

    message_id: str
    organization_id: int
    project_id: int
    submission_id: str
    source: FeedbackSource
    reason: Reason
    key_id: int | None = None
    sdk: str | None = None
