"""Where a refused submission was counted, so that the count can be taken back when it is taken in after all."""

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
    """Return the key under which the refusal of `message` counted, whose step was taken at `refused_at`.

    None when its step is kept no longer. A feedback counts at the time it was received, a report in the minute of
    the step that decided on it. Rules of time, size and repetition make a submission invalid.
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
