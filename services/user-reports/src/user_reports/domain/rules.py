"""What becomes of a report: stored, replacing an earlier one, refused, or already known.

The rules are those of the reference (feedback-backend 4.2, 6.5). Ages are measured against the time
the fleet received the report, not against the time it is handled: a backlog refuses nobody.
"""

from datetime import timedelta
from enum import Enum

import msgspec
from hearback_contracts.reasons import Reason
from hearback_contracts.sources import FeedbackSource

from user_reports.domain.model import Deleted, IndexedEvent, Report, Submission


class AgeRules(msgspec.Struct, frozen=True):
    """How old the event may be, and how long a report can be replaced."""

    event_age_max: timedelta
    overwrite_age_max: timedelta


class Known(Enum):
    """A submission that changes nothing: delivered before, or older than what is or was stored."""

    ALREADY = "already"


def judge(
    submission: Submission,
    stored: Report | None,
    event: IndexedEvent | None,
    rules: AgeRules,
    deleted: Deleted | None = None,
) -> Reason | Known | None:
    """Why a submission is not stored; None when it is. `deleted` is the report that stood there before."""
    if any(before is not None and _is_known(submission, before) for before in (stored, deleted)):
        return Known.ALREADY
    if submission.source is FeedbackSource.CRASH_REPORT_EMBED_FORM:
        return None
    if event is not None and event.timestamp < submission.received_at - rules.event_age_max:
        return Reason.REPORT_EVENT_TOO_OLD
    if stored is not None and stored.date_added < submission.received_at - rules.overwrite_age_max:
        return Reason.REPORT_DUPLICATE
    return None


def _is_known(submission: Submission, before: Report | Deleted) -> bool:
    return submission.message_id == before.message_id or submission.received_at < before.submitted_at


def new_report(submission: Submission, deleted: Deleted | None = None) -> Report:
    """The report a submission starts; it waits until it is linked.

    After a deleted one its revisions go on: the feedback that the deleted one became may still be there.
    """
    return Report(
        organization_id=submission.organization_id,
        project_id=submission.project_id,
        event_id=submission.event_id,
        name=submission.name,
        email=submission.email,
        comments=submission.comments,
        source=submission.source,
        date_added=submission.received_at,
        submitted_at=submission.received_at,
        message_id=submission.message_id,
        key_id=submission.key_id,
        sdk=submission.sdk,
        remote_addr=submission.remote_addr,
        marks=submission.marks,
        revision=0 if deleted is None else deleted.revision + 1,
    )


def replace_words(stored: Report, submission: Submission) -> Report:
    """The stored report with the words of a later submission; its place and link stay.

    Only the modal renews `date_added` (reference: feedback-backend 6.5).
    """
    from_modal = submission.source is FeedbackSource.CRASH_REPORT_EMBED_FORM
    return msgspec.structs.replace(
        stored,
        name=submission.name,
        email=submission.email,
        comments=submission.comments,
        source=submission.source,
        date_added=submission.received_at if from_modal else stored.date_added,
        submitted_at=submission.received_at,
        message_id=submission.message_id,
        key_id=submission.key_id,
        sdk=submission.sdk,
        remote_addr=submission.remote_addr,
        marks=submission.marks,
        revision=stored.revision + 1,
    )
