"""Admission of reports: the checks and their order, the same for every source.

`admit` checks the project's settings and the report's content, `decide` its event and earlier reports on it. The
first failed check is the reason (protocol: user-reports#validation). Ages are relative to the time of receipt, so
a backlog refuses no report.
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from typing import Any

import msgspec
from hearback_contracts.events import UserReportSubmitted
from hearback_contracts.reasons import Reason
from hearback_contracts.sources import FeedbackSource

from user_reports.domain.content import read_content, read_refused_content
from user_reports.domain.model import Deleted, IndexedEvent, Refusal, Report, Submission


class ProjectPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A project's settings for reports.

    `slug` is "" for an unknown project. `is_denied`: its organization is on the operator's deny list.
    `filters_garbage`: empty and placeholder comments are refused.
    """

    slug: str = ""
    takes_feedback: bool = True
    is_denied: bool = False
    filters_garbage: bool = False


class AgeRules(msgspec.Struct, frozen=True):
    """Maximum age of the event, and how long a report can be replaced."""

    event_age_max: timedelta
    overwrite_age_max: timedelta


class Decision(Enum):
    """What to do with a submission that no rule refuses."""

    STORE = "store"
    DUPLICATE = "duplicate"
    """It changes nothing: a redelivery, or older than what is or was stored."""


def admit(
    message: UserReportSubmitted, payload: Mapping[str, Any] | None, policy: ProjectPolicy
) -> Submission | Refusal:
    """Return the submission of a message, or its refusal by the project's policy or for its content.

    `payload` is None if it is not a JSON object. The deny list and the placeholder filter do not apply to the
    dialog: its reports for a denied organization are stored, but not passed on as feedback.
    """
    if payload is None:
        return Refusal.of_message(message, None, Reason.INVALID_JSON)
    is_from_dialog = message.source is FeedbackSource.CRASH_REPORT_EMBED_FORM
    if not policy.takes_feedback:
        return Refusal.of_message(message, payload, Reason.FEATURE_DISABLED)
    if policy.is_denied and not is_from_dialog:
        return Refusal.of_message(message, payload, Reason.ORG_DENYLIST)
    if message.accepted_by is not None:
        return Submission.from_message(message, read_refused_content(payload, message.event_id))
    filters_garbage = policy.filters_garbage and not is_from_dialog
    content = read_content(payload, message.event_id, filters_garbage=filters_garbage)
    if isinstance(content, Reason):
        return Refusal.of_message(message, payload, content)
    return Submission.from_message(message, content)


def decide(
    submission: Submission,
    stored: Report | None,
    event: IndexedEvent | None,
    rules: AgeRules,
    deleted: Deleted | None = None,
) -> Decision | Reason:
    """Return the decision on a submission, or the reason for its refusal.

    `deleted` is what is kept of an earlier report that a person deleted.
    """
    if any(before is not None and _is_known(submission, before) for before in (stored, deleted)):
        return Decision.DUPLICATE
    if submission.is_from_dialog or submission.is_accepted:
        return Decision.STORE
    received_at = submission.message.received_at
    if event is not None and received_at - event.timestamp > rules.event_age_max:
        return Reason.REPORT_EVENT_TOO_OLD
    if stored is not None and received_at - stored.date_added > rules.overwrite_age_max:
        return Reason.REPORT_DUPLICATE
    return Decision.STORE


def _is_known(submission: Submission, before: Report | Deleted) -> bool:
    message = submission.message
    return message.id == before.message_id or message.received_at < before.submitted_at


def new_report(submission: Submission, deleted: Deleted | None = None) -> Report:
    """Return the report of a new submission; it waits until it is linked.

    After a deleted report the revisions continue, since the feedback it became may still exist.
    """
    message = submission.message
    return Report(
        organization_id=message.organization_id,
        project_id=message.project_id,
        event_id=submission.event_id,
        about_event_id=submission.about_event_id,
        date_added=message.received_at,
        revision=0 if deleted is None else deleted.revision + 1,
        **_from_submission(submission),
    )


def replace_content(stored: Report, submission: Submission) -> Report:
    """Return the stored report with the content of a later submission; event and link stay.

    Only the dialog renews `date_added` (protocol: user-reports#age-and-repetition).
    """
    return msgspec.structs.replace(
        stored,
        date_added=submission.message.received_at if submission.is_from_dialog else stored.date_added,
        revision=stored.revision + 1,
        **_from_submission(submission),
    )


def _from_submission(submission: Submission) -> dict[str, Any]:
    """Return the report fields that the latest submission sets."""
    message = submission.message
    return {
        "name": submission.content.name,
        "email": submission.content.email,
        "comments": submission.content.comments,
        "source": message.source,
        "submitted_at": message.received_at,
        "message_id": message.id,
        "key_id": message.key_id,
        "sdk": message.sdk,
        "remote_addr": message.remote_addr,
        "marks": message.marks,
        "accepted_by": message.accepted_by,
    }
