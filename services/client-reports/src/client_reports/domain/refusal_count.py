"""Find the count of a refused submission, to revert it when the submission is accepted."""

from collections.abc import Iterable
from datetime import datetime

from hearback_contracts.categories import DataCategory
from hearback_contracts.events import FeedbackSubmitted, UserReportSubmitted
from hearback_contracts.outcomes import Outcome

from client_reports.domain.counting import CountKey
from client_reports.domain.submission_status import Step
from client_reports.domain.values import bounded_time, minute_of, row_id, storable


def refusal_count(
    message: FeedbackSubmitted | UserReportSubmitted, refused_at: datetime, steps: Iterable[Step]
) -> CountKey | None:
    """Return the key under which the refusal of `message` at `refused_at` was counted.

    None if its step is not kept any more. A feedback counts at its time of receipt, a report in the minute of the
    deciding step. Rules of time, size and repetition make a submission invalid.
    """
    reason = next((step.reason for step in steps if step.at == refused_at and step.reason), None)
    if reason is None:
        return None
    counted_at = bounded_time(message.received_at) if isinstance(message, FeedbackSubmitted) else refused_at
    return CountKey(
        row_id(message.organization_id),
        row_id(message.project_id),
        None if message.key_id is None else row_id(message.key_id),
        int(DataCategory.FEEDBACK),
        int(Outcome.INVALID),
        reason,
        storable(message.sdk),
        minute_of(counted_at),
    )
