"""Plan the items of an envelope: one handler per stored item type."""

from collections.abc import Callable

from hearback_contracts.categories import DataCategory
from hearback_contracts.outcomes import Outcome, SubmissionState
from hearback_contracts.reasons import Reason
from hearback_contracts.streams import (
    CLIENT_REPORT_RECEIVED,
    ERROR_EVENT_RECEIVED,
    FEEDBACK_SUBMITTED,
    USER_REPORT_SUBMITTED,
)
from hearback_kit.values.lenient_json import clean_text

from envelope_gateway.domain.auto_address import resolve_in_payload
from envelope_gateway.domain.envelope import Envelope, Item
from envelope_gateway.domain.error_event import is_feedback, reduce_event
from envelope_gateway.domain.event_payload import EventPayload, decode_event, decode_event_lenient
from envelope_gateway.domain.items import as_feedback, attachment_type, is_stored
from envelope_gateway.domain.json_values import is_too_deep
from envelope_gateway.domain.messages import ClientReportReceived, ErrorEventReceived
from envelope_gateway.domain.plan import NEW_FEEDBACK, REFUSED, USER_REPORT, AttachmentDraft, Plan, report_id
from envelope_gateway.domain.sizes import surplus_client_reports

ENVELOPE_ACCEPTED = "envelope_accepted"
UNNAMED = "Unnamed Attachment"
NAME_LENGTH_MAX = 255
CONTENT_TYPE_LENGTH_MAX = 255
_ESCAPED_NUL = b"\\u0000"
_ONE_FEEDBACK = ((DataCategory.FEEDBACK, 1),)
_ACCEPTED = SubmissionState.ACCEPTED.value


def plan_items(plan: Plan, envelope: Envelope, items: list[Item]) -> None:
    """Add items to the plan: those of the envelope that quotas and size limits accept."""
    surplus: list[Item] | None = None
    for item in items:
        handle = _ITEM_HANDLERS.get(item.type)
        if handle is None or not is_stored(item):
            plan.refuse(item, Reason.UNSUPPORTED_TYPE.value)
            continue
        if handle is _client_report:
            if surplus is None:
                surplus = surplus_client_reports(items, plan.context.project.limits)
            if item in surplus:
                plan.refuse(item, Reason.TOO_LARGE_CLIENT_REPORT.value)
                continue
        handle(plan, item, envelope)
    if plan.feedback_refused and plan.attachments and not plan.keeps_event:
        _refuse_attachments(plan)


def _refuse_attachments(plan: Plan) -> None:
    for draft in plan.attachments:
        plan.refuse(draft.item, Reason.FEEDBACK_INGEST_DISABLED.value)
    plan.attachments.clear()


def _submit_feedback(plan: Plan, item: Item, payload: bytes) -> None:
    event_id = plan.event_id
    assert event_id is not None, "a feedback always has an event id"
    if is_too_deep(payload):
        plan.refuse(as_feedback(item), Reason.NESTING_TOO_DEEP.value)
    elif not plan.context.project.takes_feedback:
        _refuse_submission(plan, event_id, NEW_FEEDBACK)
    else:
        payload = resolve_in_payload(payload, plan.context.remote_addr)
        plan.publish(FEEDBACK_SUBMITTED, plan.feedback_message(event_id), payload)
        plan.record_step(event_id, _ACCEPTED, ENVELOPE_ACCEPTED, NEW_FEEDBACK, None)


def _refuse_submission(plan: Plan, submission_id: str, source: str) -> None:
    reason = Reason.FEEDBACK_INGEST_DISABLED.value
    plan.feedback_refused = True
    plan.record_outcome(_ONE_FEEDBACK, Outcome.INVALID, reason)
    plan.record_step(submission_id, SubmissionState.INVALID.value, REFUSED, source, reason)


def _feedback(plan: Plan, item: Item, _envelope: Envelope) -> None:
    _submit_feedback(plan, item, item.payload)


def _user_report(plan: Plan, item: Item, _envelope: Envelope) -> None:
    payload = item.payload
    if is_too_deep(payload):
        plan.refuse(item, Reason.NESTING_TOO_DEEP.value)
        return
    message = plan.report_message(item)
    submission_id = report_id(message)
    if not plan.context.project.takes_feedback:
        _refuse_submission(plan, submission_id, USER_REPORT)
        return
    plan.publish(USER_REPORT_SUBMITTED, message, payload)
    plan.record_step(submission_id, _ACCEPTED, ENVELOPE_ACCEPTED, USER_REPORT, None)


def _event(plan: Plan, item: Item, envelope: Envelope) -> None:
    payload = item.payload
    try:
        event = decode_event(payload)
    except ValueError:
        plan.refuse(item, Reason.INVALID_JSON.value)
        return
    if is_feedback(event):
        _submit_feedback(plan, item, payload)
        return
    plan.publish(ERROR_EVENT_RECEIVED, _reduced(plan, event, envelope))
    data = plan.messages[-1].data
    if data.find(b"\\") >= 0 and data.find(_ESCAPED_NUL) >= 0:
        plan.messages.pop()
        plan.publish(ERROR_EVENT_RECEIVED, _reduced(plan, decode_event_lenient(payload), envelope))


def _reduced(plan: Plan, event: EventPayload, envelope: Envelope) -> ErrorEventReceived:
    context = plan.context
    sent_at = context.sent_at or context.received_at
    fields = reduce_event(event, sent_at, context.remote_addr, envelope.headers.trace)
    assert plan.event_id is not None, "an event always has an event id"
    fields |= context.common_fields()
    return ErrorEventReceived(event_id=plan.event_id, **fields)


def _client_report(plan: Plan, item: Item, _envelope: Envelope) -> None:
    payload = item.payload
    if is_too_deep(payload):
        plan.refuse(item, Reason.NESTING_TOO_DEEP.value)
        return
    message = ClientReportReceived(**plan.context.common_fields())
    plan.publish(CLIENT_REPORT_RECEIVED, message, payload)


def _attachment(plan: Plan, item: Item, _envelope: Envelope) -> None:
    if plan.event_id is None:
        plan.refuse(item, Reason.INVALID_EVENT_ID.value)
        return
    content_type = item.text("content_type")
    plan.attachments.append(
        AttachmentDraft(
            item,
            plan.event_id,
            clean_text(item.text("filename") or "")[:NAME_LENGTH_MAX] or UNNAMED,
            clean_text(content_type).lower()[:CONTENT_TYPE_LENGTH_MAX] if content_type else None,
            attachment_type(item),
        )
    )


_ITEM_HANDLERS: dict[str, Callable[[Plan, Item, Envelope], None]] = {
    "feedback": _feedback,
    "user_report": _user_report,
    "event": _event,
    "client_report": _client_report,
    "attachment": _attachment,
}
