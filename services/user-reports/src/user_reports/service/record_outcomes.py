"""Record outcomes and steps of reports and events, and publish the feedback that reports become."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson
from hearback_contracts.categories import DataCategory
from hearback_contracts.events import FeedbackSubmitted, UserReportSubmitted
from hearback_contracts.notices import UserReportLinked
from hearback_contracts.outcomes import NO_EVENT_STEP, Outcome, SubmissionState
from hearback_contracts.reasons import Reason
from hearback_contracts.sources import FeedbackSource
from hearback_contracts.streams import FEEDBACK_SUBMITTED, USER_REPORT_LINKED
from hearback_fleet.messages import outgoing
from hearback_fleet.recording import Origin, OutcomeRecorder, RefusedSubmission, SubmissionRef
from hearback_fleet.refused import payload_to_keep
from hearback_fleet.unit_of_work import Work
from hearback_kit.bus import Outgoing
from hearback_kit.values.ids import derived_id, new_id

from user_reports.domain.model import IndexedEvent, Refusal, Report, Submission
from user_reports.domain.shim import feedback_event
from user_reports.domain.short_ids import short_id

_VERDICTS: Final = {
    Reason.ORG_DENYLIST: (Outcome.FILTERED, SubmissionState.FILTERED),
    Reason.RATE_LIMITED: (Outcome.RATE_LIMITED, SubmissionState.RATE_LIMITED),
}


@dataclass(frozen=True, slots=True)
class ReportRecorder:
    """Adds to the outcomes and messages of one transaction."""

    work: Work

    def record_event(
        self, event: IndexedEvent, key_id: int | None, outcome: Outcome, reason: Reason | None = None
    ) -> None:
        """Count an error event."""
        origin = Origin(event.organization_id, event.project_id, key_id, event.sdk)
        self.work.record.count(origin, DataCategory.ERROR, outcome, reason)

    def record_received(self, submission: Submission, at: datetime) -> None:
        """Record that a submission arrived over this service's HTTP API."""
        ref = _ref_of_message(submission.message, submission.submission_id)
        self.work.record.step(ref, SubmissionState.ACCEPTED, "report_received", at=at)

    def record_waiting(self, report: Report) -> None:
        """Record that a report is stored and waits for its event."""
        self.work.record.step(_ref(report), SubmissionState.WAITING_FOR_EVENT, "waiting_for_event")

    def record_handed_on(
        self, report: Report, event: IndexedEvent | None, source: FeedbackSource, *, denied: bool
    ) -> None:
        """Publish a report that does not wait as a feedback, unless its organization is denied."""
        if denied:
            self._count(report, Outcome.FILTERED, Reason.ORG_DENYLIST)
            self.work.record.step(_ref(report, source), SubmissionState.FILTERED, "filtered", Reason.ORG_DENYLIST)
            return
        self.work.messages.append(self._feedback_message(report, event, source))
        step = "linked" if report.is_about_event else NO_EVENT_STEP
        self.work.record.step(_ref(report, source), report.state, step)

    def record_link(
        self, report: Report, event: IndexedEvent, project_slug: str, followers: tuple[int, ...]
    ) -> None:
        """Announce that a report was linked to its event."""
        user = event.user or {}
        message = UserReportLinked(
            id=new_id(),
            occurred_at=self.work.clock.now(),
            project_id=report.project_id,
            organization_id=report.organization_id,
            submission_id=report.submission_id,
            event_id=event.event_id,
            group_id=event.group_id,
            group_short_id=short_id(project_slug, event.group_id),
            group_title=event.title,
            name=report.name or user.get("name") or user.get("username"),
            email=report.email or user.get("email"),
            comments=report.comments,
            environment=event.environment,
            received_at=report.submitted_at,
            followers=followers,
        )
        self.work.messages.append(outgoing(USER_REPORT_LINKED, message, self.work.shards))

    def record_deleted(self, report: Report) -> None:
        """Record that a person deleted a report; a waiting one gets its outcome here."""
        state = report.state
        if report.is_waiting:
            self._count(report, Outcome.INVALID, Reason.DELETED)
            state = SubmissionState.DROPPED
        self.work.record.step(_ref(report), state, "deleted", Reason.DELETED)

    def record_expired(self, report: Report) -> None:
        """Record that a waiting report expired; any other has its outcome already."""
        if report.is_waiting:
            self._count(report, Outcome.INVALID, Reason.EVENT_NEVER_ARRIVED)
            self.work.record.step(_ref(report), SubmissionState.DROPPED, "expired", Reason.EVENT_NEVER_ARRIVED)

    def record_refused(self, refusal: Refusal, stored: Report | None) -> None:
        """Record that a submission was refused; if a report is stored, its state stays."""
        outcome, state = _VERDICTS.get(refusal.reason, (Outcome.INVALID, SubmissionState.INVALID))
        counted = refusal.reason_code if outcome is Outcome.RATE_LIMITED else refusal.reason
        step = state.value
        if stored is not None:
            state, step = stored.state, "duplicate_refused"
        message = refusal.message
        origin = Origin(message.organization_id, message.project_id, message.key_id, message.sdk)
        self.work.record.count(origin, DataCategory.FEEDBACK, outcome, counted)
        ref = _ref_of_message(message, refusal.submission_id)
        self.work.record.step(ref, state, step, counted or refusal.reason, refused=_kept(refusal))

    def _feedback_message(self, report: Report, event: IndexedEvent | None, source: FeedbackSource) -> Outgoing:
        feedback_id = derived_id(report.project_id, report.event_id)
        message = FeedbackSubmitted(
            id=new_id(),
            occurred_at=self.work.clock.now(),
            project_id=report.project_id,
            organization_id=report.organization_id,
            key_id=report.key_id,
            received_at=report.submitted_at,
            sdk=report.sdk,
            remote_addr=report.remote_addr,
            event_id=feedback_id,
            submission_id=report.submission_id,
            source=source,
            revision=report.revision,
            error_occurred_at=event.timestamp if event else report.event_at,
            marks=report.marks,
            accepted_by=report.accepted_by,
        )
        body = orjson.dumps(feedback_event(report, feedback_id, event))
        return outgoing(FEEDBACK_SUBMITTED, message, self.work.shards, body=body)

    def _count(self, report: Report, outcome: Outcome, reason: Reason) -> None:
        origin = Origin(report.organization_id, report.project_id, report.key_id, report.sdk)
        self.work.record.count(origin, DataCategory.FEEDBACK, outcome, reason)


def record_dead_letter(outcomes: OutcomeRecorder, refusal: Refusal) -> None:
    """Record that a message became a dead letter; it has no outcome yet."""
    ref = _ref_of_message(refusal.message, refusal.submission_id)
    outcomes.step(ref, SubmissionState.DROPPED, "dead_letter", refusal.reason)


def _ref(report: Report, source: FeedbackSource | None = None) -> SubmissionRef:
    return SubmissionRef(report.organization_id, report.project_id, report.submission_id, source or report.source)


def _kept(refusal: Refusal) -> RefusedSubmission | None:
    """Return the payload of a refused report, with the message that submits it again."""
    payload = payload_to_keep(dict(refusal.payload)) if refusal.payload is not None else None
    if payload is None:
        return None
    # A message without an event id is sent with null, which a step inside another message cannot hold.
    fields = {"submission_id": refusal.submission_id, "event_id": refusal.message.event_id or ""}
    return RefusedSubmission(refusal.message.model_copy(update=fields), payload)


def _ref_of_message(message: UserReportSubmitted, submission_id: str) -> SubmissionRef:
    return SubmissionRef(message.organization_id, message.project_id, submission_id, message.source)
