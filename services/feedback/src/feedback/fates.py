"""Steps of submissions that several parts of this service tell."""

from hearback_contracts.outcomes import SubmissionState
from hearback_contracts.reasons import Reason
from hearback_contracts.sources import FeedbackSource
from hearback_fleet.recording import Record

from feedback.store.triage import Removed

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
