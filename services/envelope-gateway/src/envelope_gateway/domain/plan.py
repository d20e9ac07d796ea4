"""The plan of a request: its messages, attachments, outcomes and steps. All of it becomes durable, or none.

Every item of an envelope ends in exactly one of them: as a message, as an attachment, or as an outcome
with a reason.
"""

from dataclasses import dataclass
from typing import Any

import msgspec
from hearback_contracts.categories import DataCategory
from hearback_contracts.identifiers import parse_event_id
from hearback_contracts.outcomes import Outcome, SubmissionState
from hearback_contracts.reasons import Reason
from hearback_contracts.sources import FeedbackSource
from hearback_contracts.streams import ERROR_EVENT_RECEIVED, Stream

from envelope_gateway.domain.envelope import Item
from envelope_gateway.domain.items import Quantities, quantities
from envelope_gateway.domain.messages import OutcomeCount, Scoped, SubmissionStep
from envelope_gateway.domain.project import IngestContext

OutcomeNote = OutcomeCount | SubmissionStep
REFUSED = "refused"
NEW_FEEDBACK = FeedbackSource.NEW_FEEDBACK_ENVELOPE.value
USER_REPORT = FeedbackSource.USER_REPORT_ENVELOPE.value
UNCOUNTED: Quantities = ((DataCategory.UNKNOWN, 1),)
_SESSIONS = frozenset({"session", "sessions"})
_encode = msgspec.json.Encoder().encode


class PlannedMessage(msgspec.Struct):
    """A message to publish: its stream, its id, its JSON, and the payload that travels with it."""

    stream: Stream
    id: str
    data: bytes
    body: bytes | None


@dataclass(slots=True)
class AttachmentDraft:
    """An attachment whose bytes are not stored yet."""

    item: Item
    event_id: str
    name: str
    content_type: str | None
    attachment_type: str


class Plan(msgspec.Struct):
    """What has to be durable before the request is answered."""

    context: IngestContext
    event_id: str | None
    header_event_id: str | None
    messages: list[PlannedMessage] = []
    attachments: list[AttachmentDraft] = []
    notes: list[OutcomeNote] = []
    feedback_refused: bool = False

    @property
    def keeps_something(self) -> bool:
        """Whether any item of the envelope is kept."""
        return bool(self.messages or self.attachments)

    @property
    def keeps_event(self) -> bool:
        """Whether an error event is kept, which attachments may belong to."""
        return any(message.stream is ERROR_EVENT_RECEIVED for message in self.messages)

    def publish(self, stream: Stream, message: Scoped, body: bytes | None = None) -> None:
        """Add a message."""
        self.messages.append(PlannedMessage(stream, message.id, _encode(message), body))

    def record_step(
        self, submission_id: str | None, state: str, step: str, source: str, reason: str | None
    ) -> None:
        """Add a step of a submission; a submission without an id has no journal."""
        if submission_id is None:
            return
        context = self.context
        self.notes.append(
            SubmissionStep(
                organization_id=context.project.organization_id,
                project_id=context.project.id,
                submission_id=submission_id,
                state=state,
                step=step,
                at=context.received_at,
                source=source,
                reason=reason,
            )
        )

    def record_outcome(self, counts: Quantities, outcome: Outcome, reason: str | None) -> None:
        """Count quantities that the gateway did not keep."""
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

    def refuse(self, item: Item, reason: str, outcome: Outcome = Outcome.INVALID) -> None:
        """Drop an item: count it and, when it is a submission, record the step."""
        self.record_outcome(quantities(item) or UNCOUNTED, outcome, reason)
        self._record_refusal(item, SubmissionState.INVALID, reason)

    def limit(self, item: Item, reason_code: str | None) -> None:
        """Drop an item for a quota with this reason code; dropped sessions are not counted."""
        if item.type not in _SESSIONS:
            self.record_outcome(quantities(item) or UNCOUNTED, Outcome.RATE_LIMITED, reason_code)
        self._record_refusal(item, SubmissionState.RATE_LIMITED, reason_code or Reason.RATE_LIMITED.value)

    def _record_refusal(self, item: Item, state: SubmissionState, reason: str) -> None:
        if item.type == "feedback":
            self.record_step(self.event_id, state.value, REFUSED, NEW_FEEDBACK, reason)
        elif item.type == "user_report":
            self.record_step(report_id(item, self.header_event_id), state.value, REFUSED, USER_REPORT, reason)


class _ReportHead(msgspec.Struct):
    event_id: Any = None


_decode_report = msgspec.json.Decoder(_ReportHead).decode


def report_id(item: Item, header_event_id: str | None) -> str | None:
    """Return the submission id of a user report: the envelope's event id, else the payload's."""
    if header_event_id is not None:
        return header_event_id
    try:
        return parse_event_id(_decode_report(item.inspectable_payload).event_id)
    except (ValueError, RecursionError):
        return None
