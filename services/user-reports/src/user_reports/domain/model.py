"""Reports, the error events they are about, and what is known of a report on its way in."""

from datetime import datetime
from typing import Any

import msgspec
from hearback_contracts.events import UserReportSubmitted
from hearback_contracts.identifiers import parse_event_id
from hearback_contracts.outcomes import SubmissionState
from hearback_contracts.reasons import Reason
from hearback_contracts.sources import FeedbackSource

Key = tuple[int, str]
"""A project's id and an event's id: what a report and its event have in common."""


Position = tuple[datetime, int]
"""Where a page or chunk of reports ends: `date_added` and id of its last report."""


class Words(msgspec.Struct, frozen=True):
    """What a valid report says; `event_id` is 32 hex digits, comments are stripped."""

    event_id: str
    name: str
    email: str
    comments: str


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """A report on its way in whose content is valid; `event_id` is 32 hex digits.

    Its message identifies the delivery: the same message id again is the same submission.
    """

    message: UserReportSubmitted
    event_id: str
    name: str
    email: str
    comments: str

    @classmethod
    def from_message(cls, message: UserReportSubmitted, words: Words) -> "Submission":
        """Return the submission of a message whose payload says `words`."""
        return cls(
            message=message,
            event_id=words.event_id,
            name=words.name,
            email=words.email,
            comments=words.comments,
        )

    @property
    def key(self) -> Key:
        """Project and event id."""
        return (self.message.project_id, self.event_id)

    @property
    def is_from_dialog(self) -> bool:
        """Whether the crash-report dialog sent it."""
        return self.message.source is FeedbackSource.CRASH_REPORT_EMBED_FORM


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A submission that is not stored, and why; `submission_id` names it in the journal."""

    message: UserReportSubmitted
    submission_id: str
    reason: Reason

    @classmethod
    def of(cls, submission: Submission, reason: Reason) -> "Refusal":
        """Return the refusal of a submission with valid content."""
        return cls(message=submission.message, submission_id=submission.event_id, reason=reason)

    @classmethod
    def of_message(cls, message: UserReportSubmitted, payload_event_id: object, reason: Reason) -> "Refusal":
        """Return the refusal of a message; without a usable event id the message's own id names it."""
        event_id = parse_event_id(message.event_id) or parse_event_id(payload_event_id)
        return cls(message=message, submission_id=event_id or message.id, reason=reason)

    @property
    def key(self) -> Key | None:
        """Project and event id, if the submission is named by one."""
        event_id = parse_event_id(self.submission_id)
        return (self.message.project_id, event_id) if event_id else None


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

    `date_added` is when it first came (the dialog renews it), `submitted_at` when its present words came,
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
