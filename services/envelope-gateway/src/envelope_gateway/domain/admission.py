"""The admission of envelopes: the checks and their order, the same for the fast path and the slow path.

1. `check_envelope`: an envelope that contradicts its request, or has items for relays only, is a 400.
2. Without items there is nothing to do.
3. The project of the public key exists; else 403.
4. `admit`: the key is active and belongs to the project, the origin is allowed; else 403.
5. Quotas, which need a round trip (`service.check_quotas`); the result is a `QuotaVerdict`.
6. `decide`: size limits of the remaining items (413), then a message or an outcome for every item.

Which refusal a client gets first follows from this order (protocol: envelope#order-of-checks).
"""

from collections.abc import Callable
from datetime import datetime

import msgspec
from hearback_contracts.identifiers import NO_EVENT_ID
from hearback_contracts.rate_limits import rate_limit_headers
from hearback_contracts.reasons import Reason
from hearback_kit.values.origins import is_origin_allowed

from envelope_gateway.domain.authentication import Authentication
from envelope_gateway.domain.envelope import Envelope, Item
from envelope_gateway.domain.headers import sent_at_if_drifted
from envelope_gateway.domain.item_handlers import plan_items
from envelope_gateway.domain.items import creates_event, is_internal, is_known
from envelope_gateway.domain.plan import Plan
from envelope_gateway.domain.project import IngestContext, Project
from envelope_gateway.domain.quotas import QuotaVerdict, reveal_feedback
from envelope_gateway.domain.refusals import (
    INTERNAL_ITEMS,
    RATE_LIMITED,
    Refused,
    invalid_envelope,
    rejected,
    too_large,
)
from envelope_gateway.domain.request_head import RequestHead
from envelope_gateway.domain.sizes import find_too_large, limit_name

FEEDBACK_FEATURE = "FeatureDisabled(UserFeedbackIngest)"
_REASONS = frozenset(reason.value for reason in Reason)


class Submission(msgspec.Struct):
    """An envelope and its sender. `project_id` is the one in the request, if any."""

    head: RequestHead
    sender: Authentication
    project_id: int | None
    envelope: Envelope


class Rejection(msgspec.Struct):
    """A project's rejection of a request: the reason of its outcomes, and the response."""

    reason: str
    answer: Refused


class Admission(msgspec.Struct):
    """A submission with its project; `rejection` is None if the project accepts it."""

    context: IngestContext
    event_id: str | None
    envelope: Envelope
    rejection: Rejection | None


class Decision(msgspec.Struct):
    """The plan to publish, and the error to answer with afterwards, if any."""

    plan: Plan
    answer: Refused | None = None


def check_envelope(submission: Submission) -> None:
    """Raise `Refused` (400) if the envelope contradicts its request or has items for relays only."""
    envelope, head = submission.envelope, submission.head
    headers = envelope.headers
    if headers.origin is not None and headers.origin.rstrip("/") != (head.origin or "").rstrip("/"):
        raise invalid_envelope("origin header mismatch between envelope and request")
    dsn = headers.dsn
    if dsn is not None:
        if submission.project_id is not None and dsn.project_id != submission.project_id:
            raise invalid_envelope("project id header mismatch between envelope and request")
        if dsn.public_key != submission.sender.public_key:
            raise invalid_envelope("public key header mismatch between envelope and request")
    for item in envelope.items:
        if is_internal(item):
            raise Refused(400, INTERNAL_ITEMS)


def event_id_of(envelope: Envelope, random_id: Callable[[], str]) -> str | None:
    """Return the envelope's event id, or a random one if an item needs one (protocol: envelope#event-ids).

    `NO_EVENT_ID` counts as missing.
    """
    event_id = envelope.headers.event_id
    if event_id is not None and event_id != NO_EVENT_ID:
        return event_id
    return random_id() if any(map(creates_event, envelope.items)) else None


def admit(
    submission: Submission,
    project: Project,
    event_id: str | None,
    received_at: datetime,
    new_id: Callable[[], str],
) -> Admission:
    """Return the admission of a submission to its project."""
    head, sender, headers = submission.head, submission.sender, submission.envelope.headers
    key = project.keys.get(sender.public_key)
    context = IngestContext(
        project,
        key[0] if key is not None else None,
        received_at,
        new_id,
        None if headers.sent_at is None else sent_at_if_drifted(headers.sent_at, received_at),
        headers.sdk or sender.client,
        head.remote_addr,
    )
    rejection = _find_rejection(submission, key, project)
    return Admission(context, event_id, submission.envelope, rejection)


def _find_rejection(submission: Submission, key: tuple[int, bool] | None, project: Project) -> Rejection | None:
    project_id = submission.project_id
    if key is None or not key[1] or (project_id is not None and project_id != project.id):
        return Rejection(Reason.PROJECT_ID.value, rejected("ProjectId"))
    if not project.allows_any_origin:
        page = submission.head.origin
        if page is not None and not is_origin_allowed(page, project.origins):
            return Rejection(Reason.CORS.value, rejected("Cors"))
    return None


def reject(admission: Admission, reason: str, answer: Refused | None, *, keeps_words: bool = False) -> Decision:
    """Reject every item of an envelope; with `keeps_words` the content of submissions is kept in the journal."""
    plan = _empty_plan(admission)
    for item in admission.envelope.items:
        plan.refuse(reveal_feedback(item), reason, keeps_words=keeps_words)
    return Decision(plan, answer)


def decide(admission: Admission, verdict: QuotaVerdict | None = None) -> Decision:
    """Plan every item of an accepted submission; without a verdict, quotas drop none."""
    plan = _empty_plan(admission)
    kept = admission.envelope.items if verdict is None else verdict.kept
    limits = admission.context.project.limits
    oversized = find_too_large(kept, limits)
    if oversized is not None and len(kept) > 1:  # a feedback may come as an `event` beside an event
        oversized = find_too_large(list(map(reveal_feedback, kept)), limits)
    if oversized is None:
        plan_items(plan, admission.envelope, kept)
    else:
        reason = _too_large_reason(limit_name(oversized))
        for item in kept:
            plan.refuse(reveal_feedback(item), reason, keeps_words=True)
    if oversized is None and not plan.feedback_refused and (verdict is None or not verdict.limits):
        return Decision(plan)
    verdict = verdict or QuotaVerdict(kept)
    for item, reason_code in verdict.dropped:
        plan.limit(item, reason_code)
    return Decision(plan, _answer(plan, oversized, verdict))


def _empty_plan(admission: Admission) -> Plan:
    return Plan(admission.context, admission.event_id, admission.envelope.headers.event_id)


def _answer(plan: Plan, oversized: Item | None, verdict: QuotaVerdict) -> Refused | None:
    """Return the error to answer with: quotas first, then sizes, then the missing feature."""
    if verdict.limits:
        return Refused(429, RATE_LIMITED, headers=rate_limit_headers(verdict.limits))
    if oversized is not None:
        return too_large(limit_name(oversized))
    if plan.feedback_refused and not plan.keeps_something:
        return rejected(FEEDBACK_FEATURE)
    return None


def is_ignored(envelope: Envelope) -> bool:
    """Return whether all items have unknown types; such envelopes are answered 200, even for unknown projects."""
    return not any(map(is_known, envelope.items))


def _too_large_reason(name: str) -> str:
    reason = f"too_large:{name}"
    return reason if reason in _REASONS else Reason.TOO_LARGE_ATTACHMENT.value
