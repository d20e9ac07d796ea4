"""What a request will leave behind: messages, attachments, outcomes and steps. All of it is kept, or none.

Every item ends in exactly one place: on a stream, in the blob store, or in an outcome with a reason.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec
from hearback_contracts.categories import DataCategory
from hearback_contracts.identifiers import parse_event_id
from hearback_contracts.outcomes import Outcome, SubmissionState
from hearback_contracts.reasons import Reason
from hearback_contracts.sources import FeedbackSource
from hearback_contracts.streams import (
    CLIENT_REPORT_RECEIVED,
    ERROR_EVENT_RECEIVED,
    FEEDBACK_SUBMITTED,
    USER_REPORT_SUBMITTED,
    Stream,
)

from envelope_gateway.domain.envelope import Envelope, Item
from envelope_gateway.domain.error_event import is_feedback, reduce_event
from envelope_gateway.domain.event_payload import EventPayload, clean, read_event, read_patiently
from envelope_gateway.domain.items import Quantities, attachment_type, creates_event, is_stored, quantities
from envelope_gateway.domain.messages import (
    ClientReportReceived,
    ErrorEventReceived,
    FeedbackSubmitted,
    OutcomeCount,
    Scoped,
    SubmissionStep,
    UserReportSubmitted,
)
from envelope_gateway.domain.project import Scope
from envelope_gateway.domain.sizes import surplus_client_reports

Note = OutcomeCount | SubmissionStep
ENVELOPE_ACCEPTED = "envelope_accepted"
REFUSED = "refused"
UNNAMED = "Unnamed Attachment"
NAME_LENGTH_MAX = 255
CONTENT_TYPE_LENGTH_MAX = 255
_ESCAPED_NUL = b"\\u0000"
_encode = msgspec.json.Encoder().encode
_FEEDBACK = ((DataCategory.FEEDBACK, 1),)
_UNCOUNTED = ((DataCategory.UNKNOWN, 1),)
_NEW = FeedbackSource.NEW_FEEDBACK_ENVELOPE.value
_REPORT = FeedbackSource.USER_REPORT_ENVELOPE.value
_ACCEPTED = SubmissionState.ACCEPTED.value
_SESSIONS = frozenset({"session", "sessions"})


class PlannedMessage(msgspec.Struct):
    """A message to publish: its stream, its id, its JSON, and the payload that goes with it."""

    stream: Stream
    id: str
    data: bytes
    body: bytes | None


@dataclass(slots=True)
class AttachmentDraft:
    """An attachment whose bytes are still to be put away."""

    item: Item
    event_id: str
    name: str
    content_type: str | None
    attachment_type: str


class Plan(msgspec.Struct):
    """What is to be made durable before the answer."""

    scope: Scope
    event_id: str | None
    header_event_id: str | None
    messages: list[PlannedMessage] = []
    attachments: list[AttachmentDraft] = []
    notes: list[Note] = []
    feedback_refused: bool = False

    @property
    def keeps_something(self) -> bool:
        """Whether any item of the envelope survives."""
        return bool(self.messages or self.attachments)

    def publish(self, stream: Stream, message: Scoped, body: bytes | None = None) -> None:
        """Have a message published."""
        self.messages.append(PlannedMessage(stream, message.id, _encode(message), body))

    def step(self, submission_id: str | None, state: str, step: str, source: str, reason: str | None) -> None:
        """Tell a step in the fate of a submission; one without an id has no fate to be told."""
        if submission_id is None:
            return
        scope = self.scope
        self.notes.append(
            SubmissionStep(
                organization_id=scope.project.organization_id,
                project_id=scope.project.id,
                submission_id=submission_id,
                state=state,
                step=step,
                at=scope.received_at,
                source=source,
                reason=reason,
            )
        )

    def count(self, counts: Quantities, outcome: Outcome, reason: str | None) -> None:
        """Count quantities that the gateway did not keep."""
        scope = self.scope
        minute = scope.received_at.replace(second=0, microsecond=0)
        for category, quantity in counts:
            self.notes.append(
                OutcomeCount(
                    organization_id=scope.project.organization_id,
                    project_id=scope.project.id,
                    key_id=scope.key_id,
                    category=int(category),
                    outcome=int(outcome),
                    reason=reason,
                    sdk=scope.sdk,
                    quantity=quantity,
                    timestamp=minute,
                )
            )

    def refuse(self, item: Item, reason: str, outcome: Outcome = Outcome.INVALID) -> None:
        """Drop an item: count it and, when it is a submission, say what became of it."""
        self.count(quantities(item) or _UNCOUNTED, outcome, reason)
        self._tell_refused(item, SubmissionState.INVALID, reason)

    def limit(self, item: Item, reason_code: str | None) -> None:
        """Drop an item for a quota, whose reason code is the reason; sessions are not counted then."""
        if item.type not in _SESSIONS:
            self.count(quantities(item) or _UNCOUNTED, Outcome.RATE_LIMITED, reason_code)
        self._tell_refused(item, SubmissionState.RATE_LIMITED, reason_code or Reason.RATE_LIMITED.value)

    def _tell_refused(self, item: Item, state: SubmissionState, reason: str) -> None:
        if item.type == "feedback":
            self.step(self.event_id, state.value, REFUSED, _NEW, reason)
        elif item.type == "user_report":
            self.step(_report_id(item, self.header_event_id), state.value, REFUSED, _REPORT, reason)


def event_id_of(envelope: Envelope, random_id: Callable[[], str]) -> str | None:
    """The envelope's event id: its header's, else a random one when an item needs one (reference: 1.5)."""
    if envelope.headers.event_id is not None:
        return envelope.headers.event_id
    return random_id() if any(map(creates_event, envelope.items)) else None


def plan_refusal(
    scope: Scope,
    event_id: str | None,
    envelope: Envelope,
    items: Iterable[Item],
    reason: str,
    outcome: Outcome = Outcome.INVALID,
) -> Plan:
    """The plan of a request of which nothing is kept: its items' outcomes."""
    plan = Plan(scope, event_id, envelope.headers.event_id)
    for item in items:
        plan.refuse(item, reason, outcome)
    return plan


def plan_envelope(scope: Scope, event_id: str | None, envelope: Envelope, items: list[Item]) -> Plan:
    """Decide the way of every item in `items`, which are those that quotas and limits left."""
    plan = Plan(scope, event_id, envelope.headers.event_id)
    surplus = surplus_client_reports(items, scope.project.limits)
    for item in items:
        way = _WAYS.get(item.type)
        if way is None or not is_stored(item):
            plan.refuse(item, Reason.UNSUPPORTED_TYPE.value)
        elif item in surplus:
            plan.refuse(item, Reason.TOO_LARGE_CLIENT_REPORT.value)
        else:
            way(plan, item, envelope)
    if plan.feedback_refused and plan.attachments and not _has_event(plan):
        _refuse_attachments(plan)
    return plan


def _has_event(plan: Plan) -> bool:
    """Whether an event is kept that attachments may be about."""
    return any(message.stream is ERROR_EVENT_RECEIVED for message in plan.messages)


def _refuse_attachments(plan: Plan) -> None:
    for draft in plan.attachments:
        plan.refuse(draft.item, Reason.FEEDBACK_INGEST_DISABLED.value)
    plan.attachments.clear()


def _submit_feedback(plan: Plan, payload: bytes) -> None:
    event_id = plan.event_id
    assert event_id is not None, "a feedback always has an event id"
    scope = plan.scope
    if not scope.project.takes_feedback:
        _refuse_submission(plan, event_id, _NEW)
        return
    received_at, project = scope.received_at, scope.project
    message = FeedbackSubmitted(  # `common` spelled out: this is what most requests come to
        id=scope.new_id(),
        occurred_at=received_at,
        project_id=project.id,
        organization_id=project.organization_id,
        key_id=scope.key_id,
        received_at=received_at,
        sent_at=scope.sent_at,
        sdk=scope.sdk,
        remote_addr=scope.remote_addr,
        event_id=event_id,
        submission_id=event_id,
        source=_NEW,
    )
    plan.publish(FEEDBACK_SUBMITTED, message, payload)
    plan.step(event_id, _ACCEPTED, ENVELOPE_ACCEPTED, _NEW, None)


def _refuse_submission(plan: Plan, submission_id: str | None, source: str) -> None:
    reason = Reason.FEEDBACK_INGEST_DISABLED.value
    plan.feedback_refused = True
    plan.count(_FEEDBACK, Outcome.INVALID, reason)
    plan.step(submission_id, SubmissionState.INVALID.value, REFUSED, source, reason)


def _feedback(plan: Plan, item: Item, _envelope: Envelope) -> None:
    _submit_feedback(plan, item.payload)


class _ReportHead(msgspec.Struct):
    event_id: Any = None


_decode_report = msgspec.json.Decoder(_ReportHead).decode


def _report_id(item: Item, header_event_id: str | None) -> str | None:
    """The id of a user report's submission: the event it is about, as its envelope or else it says itself."""
    if header_event_id is not None:
        return header_event_id
    try:
        return parse_event_id(_decode_report(item.glance).event_id)
    except (ValueError, RecursionError):
        return None


def _user_report(plan: Plan, item: Item, envelope: Envelope) -> None:
    scope = plan.scope
    submission_id = _report_id(item, plan.header_event_id)
    if not scope.project.takes_feedback:
        _refuse_submission(plan, submission_id, _REPORT)
        return
    message = UserReportSubmitted(event_id=envelope.headers.event_id, source=_REPORT, **scope.common())
    plan.publish(USER_REPORT_SUBMITTED, message, item.payload)
    plan.step(submission_id, _ACCEPTED, ENVELOPE_ACCEPTED, _REPORT, None)


def _event(plan: Plan, item: Item, envelope: Envelope) -> None:
    payload = item.payload
    try:
        event = read_event(payload)
    except ValueError:
        plan.refuse(item, Reason.INVALID_JSON.value)
        return
    if is_feedback(event):
        _submit_feedback(plan, payload)
        return
    plan.publish(ERROR_EVENT_RECEIVED, _reduced(plan, event, envelope))
    data = plan.messages[-1].data
    if b"\\" in data and _ESCAPED_NUL in data:
        plan.messages.pop()
        plan.publish(ERROR_EVENT_RECEIVED, _reduced(plan, read_patiently(payload), envelope))


def _reduced(plan: Plan, event: EventPayload, envelope: Envelope) -> ErrorEventReceived:
    scope = plan.scope
    fields = reduce_event(event, scope.received_at, scope.remote_addr, envelope.headers.trace)
    assert plan.event_id is not None, "an event always has an event id"
    fields |= scope.common()
    return ErrorEventReceived(event_id=plan.event_id, **fields)


def _client_report(plan: Plan, item: Item, _envelope: Envelope) -> None:
    message = ClientReportReceived(**plan.scope.common())
    plan.publish(CLIENT_REPORT_RECEIVED, message, item.payload)


def _attachment(plan: Plan, item: Item, _envelope: Envelope) -> None:
    if plan.event_id is None:
        plan.refuse(item, Reason.INVALID_EVENT_ID.value)
        return
    content_type = item.text("content_type")
    plan.attachments.append(
        AttachmentDraft(
            item,
            plan.event_id,
            clean(item.text("filename") or "")[:NAME_LENGTH_MAX] or UNNAMED,
            clean(content_type).lower()[:CONTENT_TYPE_LENGTH_MAX] if content_type else None,
            attachment_type(item),
        )
    )


_WAYS: dict[str, Callable[[Plan, Item, Envelope], None]] = {
    "feedback": _feedback,
    "user_report": _user_report,
    "event": _event,
    "client_report": _client_report,
    "attachment": _attachment,
}
