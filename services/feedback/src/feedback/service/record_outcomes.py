"""Record outcomes and steps of submissions that this service decided."""

from collections.abc import Sequence
from typing import Final

import msgspec
from hearback_contracts.categories import DataCategory
from hearback_contracts.events import AttachmentStored, FeedbackSubmitted
from hearback_contracts.outcomes import Outcome, SubmissionState
from hearback_contracts.reasons import Reason
from hearback_contracts.sources import FeedbackSource
from hearback_fleet.recording import Origin, OutcomeRecorder, Recorded, RefusedSubmission, SubmissionRef
from hearback_fleet.refused import payload_to_keep

from feedback.domain.drafts import Submitted
from feedback.domain.feedback import Feedback
from feedback.domain.statuses import IGNORED
from feedback.service.decide_submission import OVERRULABLE, Decision
from feedback.store.feedback_write import Deleted, Stored
from feedback.store.submissions import Known

_INVALID: Final = frozenset(
    {Reason.INVALID_JSON, Reason.NESTING_TOO_DEEP, Reason.FEATURE_DISABLED, Reason.PROJECT_ID}
)


def record_stored(record: OutcomeRecorder, decision: Decision, feedback_id: int, *, counted: bool) -> None:
    """Record that a feedback was stored, and unless it was counted before, its outcome."""
    if counted:
        _count(record, decision.message, Outcome.ACCEPTED, None)
    _record_apart(record, decision.message)
    is_spam = decision.draft is not None and decision.draft.is_spam
    step = "judged_spam" if is_spam else "stored"
    _step(record, decision.message, step, feedback_id, is_spam=is_spam, details=_details(decision, is_spam))


def _record_apart(record: OutcomeRecorder, message: Submitted) -> None:
    """Record in both fates where the other one is, if this submission was sent under the id of another."""
    if message.repeats is None:
        return
    first = SubmissionRef(message.organization_id, message.project_id, message.repeats, message.source)
    record.step(first, SubmissionState.ACCEPTED, "continued_apart", details=[message.submission_id])
    sent = SubmissionState.ACCEPTED
    record.step(message, sent, "sent_under_another_id", at=message.received_at, details=[message.repeats])


def record_revised(
    record: OutcomeRecorder, decision: Decision, before: Known | None, changed: Stored | None
) -> None:
    """Record what a revision did; the submission counts as spam by its verdict, or by what a person chose."""
    after = changed or before
    if after is None or (changed is None and decision.draft is not None):
        return  # a higher revision was faster
    if changed is None:
        is_spam = before is not None and before.is_spam
    elif changed.is_triaged or decision.draft is None:
        is_spam = changed.status == IGNORED
    else:
        is_spam = decision.draft.is_spam
    step = "updated" if decision.reason is None else "revision_refused"
    details = _details(decision, is_spam)
    _step(
        record, decision.message, step, after.feedback_id, is_spam=is_spam, reason=decision.reason, details=details
    )


def record_deleted_before(record: OutcomeRecorder, decision: Decision) -> None:
    """Record that a deleted feedback was submitted again and stays deleted."""
    record.step(decision.message, SubmissionState.DROPPED, "deleted_before", Reason.DELETED)


def record_refused(record: OutcomeRecorder, decision: Decision) -> None:
    """Record the outcome and the reason of a refusal."""
    reason = decision.reason
    assert reason is not None, "only refusals have a reason"
    outcome = Outcome.FILTERED if reason is Reason.ORG_DENYLIST else Outcome.INVALID
    _count(record, decision.message, outcome, reason)
    _record_apart(record, decision.message)
    step = "refused" if reason in _INVALID else "filtered"
    record.step(decision.message, state_of(reason), step, reason, refused=_refused(decision))


def state_of(reason: str) -> SubmissionState:
    """Return the state of a submission that was refused for a reason."""
    return SubmissionState.INVALID if reason in _INVALID else SubmissionState.FILTERED


def record_repeated(record: OutcomeRecorder, decision: Decision, state: SubmissionState) -> None:
    """Record that a submission was repeated with other content; `state` is that of the first, which stays."""
    _count(record, decision.message, Outcome.INVALID, Reason.DUPLICATE)
    record.step(decision.message, state, "duplicate_refused", Reason.DUPLICATE, refused=_refused(decision))


def _refused(decision: Decision) -> RefusedSubmission | None:
    """Return the submission with its payload, if a person may accept it in spite of its refusal."""
    payload = payload_to_keep(decision.body) if decision.reason in OVERRULABLE else None
    if payload is None:
        return None
    return RefusedSubmission(FeedbackSubmitted.model_validate(msgspec.to_builtins(decision.message)), payload)


def record_dead_letter(record: OutcomeRecorder, message: Submitted) -> None:
    """Record that a submission could not be handled and is kept as a dead letter."""
    record.step(message, SubmissionState.DROPPED, "dead_letter", Reason.DEAD_LETTER)


def record_deleted(record: OutcomeRecorder, feedback: Deleted) -> None:
    """Record the last step of a submission whose feedback was deleted.

    Its words are also kept where it was refused, under the id of another; this has them erased there.
    """
    record.step(
        _ref_of(feedback), SubmissionState.DROPPED, "deleted", Reason.DELETED, feedback_id=str(feedback.id)
    )
    if feedback.repeats:
        first = _ref_of(feedback)._replace(submission_id=feedback.repeats)
        record.step(
            first, SubmissionState.ACCEPTED, "deleted_apart", Reason.DELETED, details=[feedback.submission_id]
        )


def record_sorted(record: OutcomeRecorder, feedback: Feedback, status: str) -> None:
    """Record a manual spam or not-spam decision; other status changes are not recorded.

    `feedback` is as it was before.
    """
    is_spam = status == IGNORED
    if is_spam != (feedback.status == IGNORED):
        step = "marked_spam" if is_spam else "marked_not_spam"
        _step(record, _ref_of(feedback), step, feedback.id, is_spam=is_spam)


def record_second_opinion(record: OutcomeRecorder, feedback: Feedback, sign: str) -> None:
    """Record that a stored feedback was judged spam later."""
    _step(record, _ref_of(feedback), "judged_spam", feedback.id, is_spam=True, details=[sign])


def record_reprocessed(
    record: OutcomeRecorder, feedback: Feedback, *, is_spam: bool, changed: Sequence[str]
) -> None:
    """Record that a stored feedback was processed again, and what of it changed."""
    _step(record, _ref_of(feedback), "reprocessed", feedback.id, is_spam=is_spam, details=changed)


def _ref_of(feedback: Feedback | Deleted) -> SubmissionRef:
    return SubmissionRef(
        feedback.organization_id, feedback.project_id, feedback.submission_id, FeedbackSource(feedback.source)
    )


def record_attachment(record: OutcomeRecorder, message: AttachmentStored) -> None:
    """Record the outcomes of an attachment: its bytes (one if it has none, as quotas count) and itself."""
    for category, quantity in ((DataCategory.ATTACHMENT, max(1, message.size)), (DataCategory.ATTACHMENT_ITEM, 1)):
        record.count(_origin_of(message), category, Outcome.ACCEPTED, quantity=quantity, at=message.received_at)


def _origin_of(message: Submitted | AttachmentStored) -> Origin:
    return Origin(message.organization_id, message.project_id, message.key_id, message.sdk)


def _count(record: OutcomeRecorder, message: Submitted, outcome: Outcome, reason: Reason | None) -> None:
    record.count(_origin_of(message), DataCategory.FEEDBACK, outcome, reason, at=message.received_at)


def _step(
    record: OutcomeRecorder,
    submission: Recorded,
    step: str,
    feedback_id: int | None,
    *,
    is_spam: bool,
    reason: Reason | None = None,
    details: Sequence[str] = (),
) -> None:
    """Record a step of a stored feedback, which is spam or not after it; spam is also the reason by default."""
    record.step(
        submission,
        SubmissionState.SPAM if is_spam else SubmissionState.STORED,
        step,
        reason or (Reason.SPAM if is_spam else None),
        feedback_id=None if feedback_id is None else str(feedback_id),
        details=details,
    )


def _details(decision: Decision, is_spam: bool) -> Sequence[str]:
    """Return the causes of a spam verdict, none for any other."""
    return decision.draft.spam_details if is_spam and decision.draft is not None else ()
