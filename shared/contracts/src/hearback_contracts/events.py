"""The messages on the streams. Their JSON Schemas are committed in `shared/contracts/events`.

A stream entry has the fields `t` (type), `v` (version) and `d` (the model as JSON). Payloads are passed through as
bytes in a field `b`, which each model's docstring describes. Readers ignore unknown fields.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from hearback_contracts.outcomes import SubmissionState
from hearback_contracts.sources import FeedbackSource


def in_utc(time: datetime) -> datetime:
    """Return a time in UTC; raise ValueError when it then lies beyond the calendar."""
    if time.tzinfo is UTC:
        return time
    try:
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the time is beyond the calendar") from error


UtcTime = Annotated[datetime, AfterValidator(in_utc)]
"""A time converted to UTC, since PostgreSQL accepts no offsets of 16 hours or more."""


class Part(BaseModel):
    """A part of a message."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Message(Part):
    """The fields of every message; each kind has a `type`."""

    TYPE: ClassVar[str]

    version: Literal[1] = 1
    id: str = Field(description="Identity of this message: a UUIDv7 in hex.")
    occurred_at: UtcTime = Field(description="When the sender published it (UTC).")
    project_id: int

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        if "type" in cls.model_fields:
            cls.TYPE = cls.model_fields["type"].default


class Scoped(Message):
    """A message about data that was sent with a client key."""

    organization_id: int
    key_id: int | None = None
    received_at: UtcTime = Field(description="When the fleet took it (UTC).")
    sent_at: UtcTime | None = Field(
        default=None, description="The sender's clock, only when it is off by 55 minutes or more."
    )
    sdk: str | None = Field(default=None, description="`name/version` of the SDK.")
    remote_addr: str | None = None


class Submitted(Scoped):
    """A message with something that a person wrote."""

    source: FeedbackSource
    marks: tuple[str, ...] = Field(default=(), description="Suspicions of the sender, such as `honeypot`.")
    accepted_by: str | None = Field(
        default=None,
        description="Member who took it in after a refusal: rules of time, size and repetition do not apply.",
    )


class FeedbackSubmitted(Submitted):
    """A feedback to filter and store; `b` is the feedback event's JSON.

    `event_id` is the feedback event's id; `submission_id` identifies the submission in the journal, and differs
    only for user reports, where it is the error event's id. A message with a higher `revision` replaces message,
    name and e-mail of the stored feedback.
    """

    type: Literal["feedback.submitted"] = "feedback.submitted"
    event_id: str
    submission_id: str
    revision: int = 0
    error_occurred_at: UtcTime | None = None


class UserReportSubmitted(Submitted):
    """A user report; `b` is its JSON `{event_id, name, email, comments}`.

    `event_id` is the envelope header's; the payload's takes precedence (`identifiers.report_event_id`).
    """

    type: Literal["user-report.submitted"] = "user-report.submitted"
    event_id: str | None
    submission_id: str | None = Field(
        default=None,
        description="The id of a submission that is accepted after a refusal; otherwise it is the event id.",
    )


class EventUser(Part):
    """The user of an error event; every field may be missing."""

    id: str | None = None
    email: str | None = None
    username: str | None = None
    name: str | None = None
    ip_address: str | None = None


class Frame(Part):
    """The fields of a stack frame that grouping needs."""

    module: str | None = None
    function: str | None = None
    filename: str | None = None
    in_app: bool | None = None


class ExceptionValue(Part):
    """One exception of a chain, the outermost last; frames run from oldest to newest call."""

    type: str | None = None
    value: str | None = None
    module: str | None = None
    frames: tuple[Frame, ...] = ()


class ErrorEventReceived(Scoped):
    """An error event, reduced to what the index, grouping and linking need. No `b`."""

    type: Literal["error-event.received"] = "error-event.received"
    event_id: str
    timestamp: UtcTime
    environment: str | None = None
    release: str | None = None
    dist: str | None = None
    platform: str | None = None
    level: str | None = None
    logger: str | None = None
    transaction: str | None = None
    url: str | None = None
    user: EventUser | None = None
    tags: dict[str, str] = {}
    replay_id: str | None = None
    trace: dict[str, Any] | None = None
    message: str | None = None
    message_template: str | None = None
    fingerprint: tuple[str, ...] = ()
    exceptions: tuple[ExceptionValue, ...] = ()


class ClientReportReceived(Scoped):
    """One client report; `b` is its JSON as the SDK sent it."""

    type: Literal["client-report.received"] = "client-report.received"


class AttachmentStored(Scoped):
    """An attachment whose bytes are in the blob store under `blob_key`. No `b`."""

    type: Literal["attachment.stored"] = "attachment.stored"
    attachment_id: str
    event_id: str
    name: str
    content_type: str | None = None
    attachment_type: str = "event.attachment"
    size: int
    sha1: str
    blob_key: str


class OutcomeCount(Part):
    """A quantity of one category and outcome; `timestamp` is floored to the minute.

    `times` is the number of occurrences: for attachments the quantity is bytes, and `times` their number.
    """

    organization_id: int
    project_id: int
    key_id: int | None = None
    category: int
    outcome: int
    reason: str | None = None
    sdk: str | None = None
    quantity: int
    times: int = 1
    timestamp: UtcTime


DETAILS_MAX: Final = 12


class SubmissionStep(Part):
    """A step in the fate of a submission, recorded by a service."""

    organization_id: int
    project_id: int
    submission_id: str
    state: SubmissionState
    step: str = Field(description="What happened, as a `snake_case` word such as `envelope_accepted`.")
    at: UtcTime
    source: FeedbackSource | None = None
    reason: str | None = None
    feedback_id: str | None = Field(default=None, description="Id of the feedback issue it became.")
    details: tuple[str, ...] = Field(
        default=(), max_length=DETAILS_MAX, description="What led to it, such as the signs of spam."
    )
    payload: dict[str, Any] | None = Field(
        default=None, description="What the submission said, when a rule of time, size or repetition refused it."
    )
    refused: Annotated[FeedbackSubmitted | UserReportSubmitted, Field(discriminator="type")] | None = Field(
        default=None,
        description="The refused message itself, set with `payload`, which is its `b`. To take it in after all,"
        " publish it again under a derived `id`, with `accepted_by`.",
    )


class OutcomeRecorded(Message):
    """A batch of outcomes and steps; counted once per `id`, even if redelivered. No `b`."""

    type: Literal["outcome.recorded"] = "outcome.recorded"
    service: str
    outcomes: tuple[OutcomeCount, ...] = ()
    steps: tuple[SubmissionStep, ...] = ()


INGEST_MESSAGES: Final[tuple[type[Message], ...]] = (
    FeedbackSubmitted,
    UserReportSubmitted,
    ErrorEventReceived,
    ClientReportReceived,
    AttachmentStored,
    OutcomeRecorded,
)
