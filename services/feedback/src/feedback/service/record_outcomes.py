"""Record outcomes and steps of submissions: what this service decided, in the words of the journal."""

from hearback_contracts.categories import DataCategory
from hearback_contracts.events import AttachmentStored, FeedbackSubmitted
from hearback_contracts.outcomes import Outcome, SubmissionState
from hearback_contracts.reasons import Reason
from hearback_contracts.sources import FeedbackSource
from hearback_fleet.recording import Record

from feedback.domain.statuses import IGNORED
from feedback.service.decide_submission import Decision
from feedback.store.feedback_write import Changed, Deleted, Stored
from feedback.store.submissions import Known

_STATES = {
    Reason.INVALID_JSON: SubmissionState.INVALID,
    Reason.NESTING_TOO_DEEP: SubmissionState.INVALID,
    Reason.FEATURE_DISABLED: SubmissionState.INVALID,
    Reason.PROJECT_ID: SubmissionState.INVALID,
}


def record_stored(record: Record, decision: Decision, feedback_id: int, *, counted: bool) -> None:
    """Record that a feedback was stored, and unless it was counted before, its outcome."""
    if counted:
        _record_outcome(record, decision.message, Outcome.ACCEPTED, None)
    is_spam = decision.draft is not None and decision.draft.is_spam
    _record_step(
        record,
        decision.message,
        SubmissionState.SPAM if is_spam else SubmissionState.STORED,
        "judged_spam" if is_spam else "stored",
        reason=Reason.SPAM if is_spam else None,
        feedback_id=feedback_id,
    )


def record_revised(record: Record, decision: Decision, before: Known | None, changed: Stored | None) -> None:
    """Record what a revision did; its mailbox says whether the submission counts as spam."""
    after = changed or before
    if after is None or (changed is None and decision.draft is not None):
        return  # a higher revision was faster
    is_spam = after.status == IGNORED
    refused = decision.reason
    _record_step(
        record,
        decision.message,
        SubmissionState.SPAM if is_spam else SubmissionState.STORED,
        "updated" if refused is None else "revision_refused",
        reason=refused or (Reason.SPAM if is_spam else None),
        feedback_id=after.feedback_id,
    )


def record_deleted_before(record: Record, decision: Decision) -> None:
    """Record that a deleted feedback was submitted again and stays deleted."""
    _record_step(record, decision.message, SubmissionState.DROPPED, "deleted_before", reason=Reason.DELETED)


def record_refused(record: Record, decision: Decision) -> None:
    """Record the outcome and the reason of a refusal."""
    reason = decision.reason
    assert reason is not None, "only refusals have a reason"
    outcome = Outcome.FILTERED if reason is Reason.ORG_DENYLIST else Outcome.INVALID
    _record_outcome(record, decision.message, outcome, reason)
    state = _STATES.get(reason, SubmissionState.FILTERED)
    _record_step(
        record, decision.message, state, "filtered" if reason not in _STATES else "refused", reason=reason
    )


def record_dead_letter(record: Record, message: FeedbackSubmitted) -> None:
    """Record that a submission could not be handled and is kept as a dead letter."""
    _record_step(record, message, SubmissionState.DROPPED, "dead_letter", reason=Reason.DEAD_LETTER)


def record_deleted(record: Record, feedback: Deleted) -> None:
    """Record the last step of a submission whose feedback was deleted."""
    record.step(
        organization_id=feedback.organization_id,
        project_id=feedback.project_id,
        submission_id=feedback.submission_id,
        state=SubmissionState.DROPPED,
        step="deleted",
        source=FeedbackSource(feedback.source),
        reason=Reason.DELETED.value,
        feedback_id=str(feedback.id),
    )


def record_sorted(record: Record, feedback: Changed, status: str) -> None:
    """Record a manual spam or not-spam decision; other status changes are not recorded."""
    is_spam = status == IGNORED
    if is_spam == (feedback.status_before == IGNORED):
        return
    record.step(
        organization_id=feedback.organization_id,
        project_id=feedback.project_id,
        submission_id=feedback.submission_id,
        state=SubmissionState.SPAM if is_spam else SubmissionState.STORED,
        step="marked_spam" if is_spam else "marked_not_spam",
        source=FeedbackSource(feedback.source),
        reason=Reason.SPAM.value if is_spam else None,
        feedback_id=str(feedback.id),
    )


def record_attachment(record: Record, message: AttachmentStored) -> None:
    """Record the outcomes of an attachment: its bytes (one if it has none, as quotas count) and itself."""
    for category, quantity in ((DataCategory.ATTACHMENT, max(1, message.size)), (DataCategory.ATTACHMENT_ITEM, 1)):
        record.outcome(
            organization_id=message.organization_id,
            project_id=message.project_id,
            key_id=message.key_id,
            category=category,
            outcome=Outcome.ACCEPTED,
            sdk=message.sdk,
            quantity=quantity,
            at=message.received_at,
        )


def _record_outcome(record: Record, message: FeedbackSubmitted, outcome: Outcome, reason: Reason | None) -> None:
    record.outcome(
        organization_id=message.organization_id,
        project_id=message.project_id,
        key_id=message.key_id,
        category=DataCategory.FEEDBACK,
        outcome=outcome,
        reason=reason.value if reason else None,
        sdk=message.sdk,
        at=message.received_at,
    )


def _record_step(
    record: Record,
    message: FeedbackSubmitted,
    state: SubmissionState,
    step: str,
    *,
    reason: Reason | None = None,
    feedback_id: int | None = None,
) -> None:
    record.step(
        organization_id=message.organization_id,
        project_id=message.project_id,
        submission_id=message.submission_id,
        state=state,
        step=step,
        source=message.source,
        reason=reason.value if reason else None,
        feedback_id=None if feedback_id is None else str(feedback_id),
    )
