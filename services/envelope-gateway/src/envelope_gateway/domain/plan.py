"""The plan of a request: its messages, attachments, outcomes and steps, published atomically.

Every item of an envelope becomes exactly one of them: a message, an attachment, or an outcome with a reason.
"""

from dataclasses import dataclass
from typing import Any

import msgspec
from hearback_contracts.categories import DataCategory
from hearback_contracts.identifiers import NO_EVENT_ID, report_event_id
from hearback_contracts.outcomes import CLIENT_REPORT_REFUSED_STEP, Outcome, SubmissionState
from hearback_contracts.reasons import Reason
from hearback_contracts.sources import FeedbackSource
from hearback_contracts.streams import ERROR_EVENT_RECEIVED, FEEDBACK_SUBMITTED, USER_REPORT_SUBMITTED, Stream
from hearback_kit.values.lenient_json import read_leniently

from envelope_gateway.domain.envelope import Item
from envelope_gateway.domain.items import Quantities, quantities
from envelope_gateway.domain.messages import (
    FeedbackSubmitted,
    OutcomeCount,
    Scoped,
    SubmissionStep,
    UserReportSubmitted,
)
from envelope_gateway.domain.project import IngestContext

OutcomeNote = OutcomeCount | SubmissionStep
REFUSED = "refused"
NEW_FEEDBACK = FeedbackSource.NEW_FEEDBACK_ENVELOPE.value
USER_REPORT = FeedbackSource.USER_REPORT_ENVELOPE.value
UNCOUNTED: Quantities = ((DataCategory.UNKNOWN, 1),)
_SESSIONS = frozenset({"session", "sessions"})
_encode = msgspec.json.Encoder().encode


class PlannedMessage(msgspec.Struct):
    """A message to publish: its stream, id, JSON, and the payload of field `b`."""

    stream: Stream
    id: str
    data: bytes
    body: bytes | None


@dataclass(slots=True)
class AttachmentDraft:
    """An attachment to upload."""

    item: Item
    event_id: str
    name: str
    content_type: str | None
    attachment_type: str


class RefusedSubmission(msgspec.Struct):
    """A refused submission whose payload is kept: its step, its item, and the message to submit it again."""

    step: SubmissionStep
    item: Item
    stream: Stream
    message: Scoped


class Plan(msgspec.Struct):
    """What has to be published before the request is answered.

    `client_reports_refused` are the reasons of refused client reports: those of an envelope with the same reason
    share a step. `refused` are submissions that a rule of time, size or repetition refuses: `service.keep_words`
    adds their payloads to their steps.
    """

    context: IngestContext
    event_id: str | None
    header_event_id: str | None
    messages: list[PlannedMessage] = []
    attachments: list[AttachmentDraft] = []
    notes: list[OutcomeNote] = []
    refused: list[RefusedSubmission] = []
    client_reports_refused: set[str] = set()
    feedback_refused: bool = False

    @property
    def keeps_something(self) -> bool:
        """Whether any item is kept."""
        return bool(self.messages or self.attachments)

    @property
    def keeps_event(self) -> bool:
        """Whether an error event is kept, to which attachments may belong."""
        return any(message.stream is ERROR_EVENT_RECEIVED for message in self.messages)

    def publish(self, stream: Stream, message: Scoped, body: bytes | None = None) -> None:
        """Add a message."""
        self.messages.append(PlannedMessage(stream, message.id, _encode(message), body))

    def record_step(
        self, submission_id: str, state: str, step: str, source: str | None, reason: str | None
    ) -> SubmissionStep:
        """Add a step of a submission and return it."""
        context = self.context
        note = SubmissionStep(
            organization_id=context.project.organization_id,
            project_id=context.project.id,
            submission_id=submission_id,
            state=state,
            step=step,
            at=context.received_at,
            source=source,
            reason=reason,
        )
        self.notes.append(note)
        return note

    def record_outcome(self, counts: Quantities, outcome: Outcome, reason: str | None) -> None:
        """Count quantities that were not kept."""
        context = self.context
        minute = context.received_at.replace(second=0, microsecond=0)
        for category, quantity in counts:
            self.notes.append(
                OutcomeCount(
                    organization_id=context.project.organization_id,
                    project_id=context.project.id,
                    key_id=context.key_id,
                    category=int(category),
                    outcome=int(outcome),
                    reason=reason,
                    sdk=context.sdk,
                    quantity=quantity,
                    timestamp=minute,
                )
            )

    def refuse(self, item: Item, reason: str, *, keeps_words: bool = False) -> None:
        """Drop an item: count it and, for a submission, record a step."""
        self.record_outcome(quantities(item) or UNCOUNTED, Outcome.INVALID, reason)
        self._record_refusal(item, SubmissionState.INVALID, reason, keeps_words)

    def limit(self, item: Item, reason_code: str | None) -> None:
        """Drop an item for a quota with this reason code; dropped sessions are not counted."""
        if item.type not in _SESSIONS:
            self.record_outcome(quantities(item) or UNCOUNTED, Outcome.RATE_LIMITED, reason_code)
        self._record_refusal(item, SubmissionState.RATE_LIMITED, reason_code or Reason.RATE_LIMITED.value, False)

    def _record_refusal(self, item: Item, state: SubmissionState, reason: str, keeps_words: bool) -> None:
        if item.type == "feedback" and self.event_id is not None:
            stream, source, submission_id = FEEDBACK_SUBMITTED, NEW_FEEDBACK, self.event_id
            message: Scoped = self.feedback_message(submission_id)
        elif item.type == "user_report":
            report = self.report_message(item)
            stream, source, submission_id, message = USER_REPORT_SUBMITTED, USER_REPORT, report_id(report), report
        else:
            if item.type == "client_report" and reason not in self.client_reports_refused:
                self.client_reports_refused.add(reason)
                self.record_step(self.context.new_id(), state.value, CLIENT_REPORT_REFUSED_STEP, None, reason)
            return
        step = self.record_step(submission_id, state.value, REFUSED, source, reason)
        if keeps_words:
            self.refused.append(RefusedSubmission(step, item, stream, message))

    def feedback_message(self, event_id: str) -> FeedbackSubmitted:
        """Return the message of a feedback."""
        context = self.context
        received_at, project = context.received_at, context.project
        return FeedbackSubmitted(  # `common_fields` written out: most requests end here
            id=context.new_id(),
            occurred_at=received_at,
            project_id=project.id,
            organization_id=project.organization_id,
            key_id=context.key_id,
            received_at=received_at,
            sent_at=context.sent_at,
            sdk=context.sdk,
            remote_addr=context.remote_addr,
            event_id=event_id,
            submission_id=event_id,
            source=NEW_FEEDBACK,
        )

    def report_message(self, item: Item) -> UserReportSubmitted:
        """Return the message of a user report on its payload's event, else the envelope's."""
        payload = item.inspectable_payload
        try:
            named = _decode_report(payload).event_id
        except (ValueError, RecursionError):
            named = (read_leniently(payload) or {}).get("event_id")
        event_id = report_event_id(named, self.header_event_id)
        return UserReportSubmitted(event_id=event_id, source=USER_REPORT, **self.context.common_fields())


class _ReportHead(msgspec.Struct):
    event_id: Any = None


_decode_report = msgspec.json.Decoder(_ReportHead).decode


def report_id(message: UserReportSubmitted) -> str:
    """Return the submission id of a user report: its event's id, or its message's if it names no event."""
    event_id = message.event_id
    return message.id if event_id is None or event_id == NO_EVENT_ID else event_id
