"""Refused messages, and the count of each, which is reverted when its submission is accepted."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Final

from hearback_contracts.categories import DataCategory
from hearback_contracts.events import FeedbackSubmitted, UserReportSubmitted
from hearback_contracts.outcomes import Outcome
from pydantic import Field, TypeAdapter

from client_reports.domain.counting import CountKey, count_key
from client_reports.domain.submission_status import Step
from client_reports.domain.values import bounded_time, minute_of

Refused = FeedbackSubmitted | UserReportSubmitted
REFUSED: Final[TypeAdapter[Refused]] = TypeAdapter(Annotated[Refused, Field(discriminator="type")])
"""Decodes a refused message."""


def refusal_count(message: Refused, refused_at: datetime, steps: Iterable[Step]) -> CountKey | None:
    """Return the key under which the refusal of `message` at `refused_at` was counted.

    None if its step is not kept any more. A feedback counts at its time of receipt, a report in the minute of the
    deciding step. Rules of time, size and repetition make a submission invalid.
    """
    reason = next((step.reason for step in steps if step.at == refused_at and step.reason), None)
    if reason is None:
        return None
    counted_at = bounded_time(message.received_at) if isinstance(message, FeedbackSubmitted) else refused_at
    return count_key(message, DataCategory.FEEDBACK, Outcome.INVALID, reason, minute_of(counted_at))
