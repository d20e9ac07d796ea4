"""Steps of submissions that several parts of this service tell."""

from hearback_contracts.outcomes import SubmissionState
from hearback_contracts.reasons import Reason
from hearback_contracts.sources import FeedbackSource
from hearback_fleet.recording import Record

from feedback.domain.search import IGNORED
from feedback.store.triage import Changed, Removed

SERVICE = "feedback"


def tell_deleted(record: Record, feedback: Removed) -> None:
    """Tell the last step of a submission whose feedback was deleted."""
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


def tell_sorted(record: Record, feedback: Changed, status: str) -> None:
    """Tell that a person moved a feedback into the spam mailbox or out of it; other moves are no fate."""
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
