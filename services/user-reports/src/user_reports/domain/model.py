"""Reports, submissions of reports, refusals, and indexed error events."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from hearback_contracts.events import UserReportSubmitted
from hearback_contracts.identifiers import NO_EVENT_ID, parse_event_id, report_event_id
from hearback_contracts.outcomes import SubmissionState
from hearback_contracts.reasons import Reason
from hearback_contracts.sources import FeedbackSource
from hearback_kit.values.ids import derived_id

Key = tuple[int, str]
"""Project id and event id, which a report and its event share."""

Position = tuple[datetime, int]
"""The position of a report in lists: its `date_added` and id."""


class Content(msgspec.Struct, frozen=True):
    """The validated content of a report; `event_id` is `NO_EVENT_ID` for a report on no event."""

    event_id: str
    name: str
    email: str
    comments: str


class _AboutEvent:
    """The ids of a report and of its event.

    There is at most one report on an event, and its `event_id` is the event's. A report on no event (SDKs return
    `NO_EVENT_ID` when nothing was sent), and a refused one that a person accepted, have an `event_id` of their
    own; `about_event_id` is then the event's, or `NO_EVENT_ID`.
    """

    __slots__ = ()
    event_id: str
    about_event_id: str | None

    @property
    def named_event_id(self) -> str:
        """The event id that the sender gave, possibly `NO_EVENT_ID`."""
        return self.about_event_id or self.event_id

    @property
    def is_about_event(self) -> bool:
        """Whether it names an event to link to."""
        return self.named_event_id != NO_EVENT_ID

    @property
    def submission_id(self) -> str:
        """The submission's id in the journal."""
        return self.named_event_id if self.is_about_event else self.event_id


class Submission(msgspec.Struct, _AboutEvent, frozen=True, kw_only=True):
    """A submitted report with valid content; ids are 32 hex digits.

    A repeated message id is a redelivery of the same submission.
    """

    message: UserReportSubmitted
    content: Content
    event_id: str
    about_event_id: str | None = None

    @classmethod
    def from_message(cls, message: UserReportSubmitted, content: Content) -> "Submission":
        """Return the submission of a message and its validated content."""
        if content.event_id == NO_EVENT_ID:
            own_id, about = message.submission_id or message.id, NO_EVENT_ID
        elif message.accepted_by is not None:
            own_id, about = message.id, content.event_id
        else:
            return cls(message=message, content=content, event_id=content.event_id)
        event_id = parse_event_id(own_id) or derived_id(message.project_id, own_id)
        return cls(message=message, content=content, event_id=event_id, about_event_id=about)

    @property
    def key(self) -> Key:
        """Project and event id: at most one stored report has it."""
        return (self.message.project_id, self.event_id)

    @property
    def event_key(self) -> Key | None:
        """Project and id of the event it is about, None for a report on no event."""
        return (self.message.project_id, self.named_event_id) if self.is_about_event else None

    @property
    def is_accepted(self) -> bool:
        """Whether a person accepted it after a refusal: rules of time, size and repetition do not apply."""
        return self.message.accepted_by is not None

    @property
    def payload(self) -> dict[str, str]:
        """Its JSON payload."""
        return msgspec.structs.asdict(self.content)

    @property
    def is_from_dialog(self) -> bool:
        """Whether the crash-report dialog sent it."""
        return self.message.source is FeedbackSource.CRASH_REPORT_EMBED_FORM


PAYLOAD_KEPT: Final = frozenset(
    {
        Reason.REPORT_EVENT_TOO_OLD,
        Reason.REPORT_DUPLICATE,
        Reason.REPORT_MESSAGE_TOO_LARGE,
        Reason.REPORT_NAME_TOO_LARGE,
        Reason.REPORT_EMAIL_TOO_LARGE,
        Reason.REPORT_INVALID_EVENT_ID,
        Reason.REPORT_MISSING_EVENT_ID,
    }
)
"""Reasons of time, size, repetition and association: the journal keeps the payload, and a person may accept it."""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A refused submission with its reason.

    `submission_id` is its id in the journal; `payload` is set only for the reasons of `PAYLOAD_KEPT`;
    `reason_code` is that of the quota, if one refused it.
    """

    message: UserReportSubmitted
    submission_id: str
    reason: Reason
    payload: Mapping[str, Any] | None = None
    reason_code: str | None = None

    @classmethod
    def of(cls, submission: Submission, reason: Reason) -> "Refusal":
        """Return the refusal of a submission with valid content."""
        return cls(
            message=submission.message,
            submission_id=submission.submission_id,
            reason=reason,
            payload=submission.payload if reason in PAYLOAD_KEPT else None,
        )

    @classmethod
    def of_message(
        cls, message: UserReportSubmitted, payload: Mapping[str, Any] | None, reason: Reason
    ) -> "Refusal":
        """Return the refusal of a message; without an event id it is named by the message's id."""
        event_id = report_event_id((payload or {}).get("event_id"), message.event_id)
        own_id = message.submission_id or message.id
        return cls(
            message=message,
            submission_id=event_id if event_id is not None and event_id != NO_EVENT_ID else own_id,
            reason=reason,
            payload=payload if reason in PAYLOAD_KEPT else None,
        )

    @property
    def key(self) -> Key | None:
        """Project and event id, if `submission_id` is an event id."""
        event_id = parse_event_id(self.submission_id)
        return (self.message.project_id, event_id) if event_id else None


class IndexedEvent(msgspec.Struct, kw_only=True):
    """An indexed error event; `environment` is None if the event has none."""

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


class Report(msgspec.Struct, _AboutEvent, kw_only=True):
    """A stored report. One that names an event waits for it while `group_id` is None.

    `date_added` is when it first arrived (the dialog renews it), `submitted_at` when its current content arrived,
    `environment` is "" for an event without one, `revision` counts replacements, `accepted_by` is the member who
    accepted it after a refusal.
    """

    id: int | None = None
    organization_id: int
    project_id: int
    event_id: str
    about_event_id: str | None = None
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
    accepted_by: str | None = None
    environment: str | None = None
    group_id: int | None = None
    linked_at: datetime | None = None
    event_at: datetime | None = None
    event_user: dict[str, str] | None = None

    @property
    def event_key(self) -> Key:
        """Project and id of the event it is about."""
        return (self.project_id, self.named_event_id)

    @property
    def position(self) -> Position:
        """Its position in lists."""
        return (self.date_added, self.id or 0)

    @property
    def is_waiting(self) -> bool:
        """Whether its event has not arrived yet."""
        return self.group_id is None and self.is_about_event

    @property
    def state(self) -> SubmissionState:
        """The state of its submission from this service's view."""
        if not self.is_about_event:
            return SubmissionState.STORED
        return SubmissionState.WAITING_FOR_EVENT if self.is_waiting else SubmissionState.LINKED

    def link(self, event: IndexedEvent, at: datetime) -> None:
        self.environment = event.environment or ""
        self.group_id = event.group_id
        self.linked_at = at
        self.event_at = event.timestamp
        self.event_user = event.user


class Deleted(msgspec.Struct, frozen=True):
    """What is kept of a report that a person deleted: nothing of its content."""

    revision: int
    submitted_at: datetime
    message_id: str
