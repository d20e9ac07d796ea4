"""What becomes of one message, and how it is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hearback_contracts.categories import DataCategory
from hearback_contracts.events import FeedbackSubmitted
from hearback_contracts.outcomes import Outcome, SubmissionState
from hearback_contracts.reasons import Reason
from hearback_fleet.messages import parse_payload
from hearback_fleet.recording import Record
from hearback_kit.ids import random_id

from feedback.domain.payload import is_too_deep, may_be_too_deep, read_leniently
from feedback.domain.search import IGNORED
from feedback.domain.submission import Row, Submission
from feedback.store.intake import Known, Stored, SubmissionKey

STATES = {
    Reason.INVALID_JSON: SubmissionState.INVALID,
    Reason.NESTING_TOO_DEEP: SubmissionState.INVALID,
    Reason.FEATURE_DISABLED: SubmissionState.INVALID,
    Reason.PROJECT_ID: SubmissionState.INVALID,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to become of one message: a row to store, or the reason why not."""

    message: FeedbackSubmitted
    row: Row | None
    reason: Reason | None
    slug: str = ""

    @property
    def key(self) -> SubmissionKey:
        """What names the submission."""
        return self.message.project_id, self.message.event_id


def highest_revisions(verdicts: Sequence[Verdict]) -> dict[SubmissionKey, Verdict]:
    """One verdict per submission: that of the highest revision, and of these the first to come."""
    chosen: dict[SubmissionKey, Verdict] = {}
    for verdict in verdicts:
        before = chosen.get(verdict.key)
        if before is None or verdict.message.revision > before.message.revision:
            chosen[verdict.key] = verdict
    return chosen


def payload_of(body: bytes | None) -> dict[str, Any] | Reason:
    payload = parse_payload(body)
    if payload is None:
        payload = read_leniently(body or b"")
    if payload is None:
        return Reason.INVALID_JSON
    if may_be_too_deep(body or b"") and is_too_deep(payload):
        return Reason.NESTING_TOO_DEEP
    return payload


def submission_of(message: FeedbackSubmitted) -> Submission:
    return Submission(
        organization_id=message.organization_id,
        project_id=message.project_id,
        event_id=message.event_id,
        submission_id=message.submission_id,
        source=message.source,
        revision=message.revision,
        received_at=message.received_at,
        sent_at=message.sent_at,
        error_occurred_at=message.error_occurred_at,
        marks=message.marks,
    )


def complete(verdict: Verdict, number: int) -> Row:
    """The row with what is given once and for all."""
    assert verdict.row is not None
    return verdict.row | {
        "occurrence_id": random_id(),
        "fingerprint": random_id(),  # random, so that feedback is never grouped
        "short_id": f"{verdict.slug.upper()}-{number}",
    }


def tell_stored(record: Record, verdict: Verdict, feedback_id: int, *, counted: bool) -> None:
    message = verdict.message
    if counted:
        _outcome(record, message, Outcome.ACCEPTED, None)
    assert verdict.row is not None
    is_spam = verdict.row["status"] == IGNORED
    tell_step(
        record,
        message,
        SubmissionState.SPAM if is_spam else SubmissionState.STORED,
        "judged_spam" if is_spam else "stored",
        reason=Reason.SPAM if is_spam else None,
        feedback_id=feedback_id,
    )


def tell_revised(record: Record, verdict: Verdict, before: Known | None, changed: Stored | None) -> None:
    """Tell what a revision did; whether the submission counts as spam is its mailbox's word."""
    after = changed or before
    if after is None or (changed is None and verdict.row is not None):
        return  # outrun by a higher revision
    is_spam = after.status == IGNORED
    refused = verdict.reason
    tell_step(
        record,
        verdict.message,
        SubmissionState.SPAM if is_spam else SubmissionState.STORED,
        "updated" if refused is None else "revision_refused",
        reason=refused or (Reason.SPAM if is_spam else None),
        feedback_id=after.feedback_id,
    )


def tell_deleted_before(record: Record, verdict: Verdict) -> None:
    """Tell that a feedback that was deleted came anew: it stays deleted, whatever others told of it meanwhile."""
    tell_step(record, verdict.message, SubmissionState.DROPPED, "deleted_before", reason=Reason.DELETED)


def tell_refused(record: Record, verdict: Verdict) -> None:
    reason = verdict.reason
    assert reason is not None
    outcome = Outcome.FILTERED if reason is Reason.ORG_DENYLIST else Outcome.INVALID
    _outcome(record, verdict.message, outcome, reason)
    state = STATES.get(reason, SubmissionState.FILTERED)
    tell_step(record, verdict.message, state, "filtered" if reason not in STATES else "refused", reason=reason)


def _outcome(record: Record, message: FeedbackSubmitted, outcome: Outcome, reason: Reason | None) -> None:
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


def tell_step(
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
