"""What this service tells others of a report: the feedback it becomes, its steps, its outcomes."""

from datetime import datetime
from typing import Final

import orjson
from hearback_contracts.categories import DataCategory
from hearback_contracts.events import FeedbackSubmitted
from hearback_contracts.outcomes import Outcome, SubmissionState
from hearback_contracts.reasons import Reason
from hearback_contracts.sources import FeedbackSource
from hearback_contracts.streams import FEEDBACK_SUBMITTED
from hearback_fleet.messages import outgoing
from hearback_fleet.recording import Record
from hearback_kit.bus import Outgoing
from hearback_kit.clock import Clock
from hearback_kit.db import Connection
from hearback_kit.ids import derived_id, new_id
from hearback_kit.outbox import Outbox

from user_reports.domain.model import IndexedEvent, Refusal, Report, Submission
from user_reports.domain.shim import feedback_event
from user_reports.store.tables import OUTBOX

SERVICE: Final = "user-reports"


class Telling:
    """Collects what one transaction has to tell; `write` puts it into the outbox."""

    def __init__(self, clock: Clock, shards: int) -> None:
        self._clock = clock
        self._shards = shards
        self._record = Record(SERVICE, clock, shards)
        self._feedback: list[Outgoing] = []

    async def write(self, connection: Connection) -> None:
        """Put everything into the outbox, to be published when the transaction commits."""
        await Outbox(OUTBOX).add(connection, [*self._feedback, *self._record.messages()])

    def events(
        self, event: IndexedEvent, key_id: int | None, outcome: Outcome, reason: Reason | None = None
    ) -> None:
        """Count an error event."""
        self._record.outcome(
            organization_id=event.organization_id,
            project_id=event.project_id,
            key_id=key_id,
            category=DataCategory.ERROR,
            outcome=outcome,
            reason=reason,
            sdk=event.sdk,
        )

    def saved(self, report: Report) -> None:
        """Tell that a report is stored and waits (linked ones are told by `linked`)."""
        self.step(report, SubmissionState.WAITING_FOR_EVENT, "waiting_for_event")

    def linked(self, report: Report, event: IndexedEvent | None, source: FeedbackSource, *, denied: bool) -> None:
        """Hand a linked report on as a feedback; of a denied organization only tell that it is not."""
        if denied:
            self.count(report, Outcome.FILTERED, Reason.ORG_DENYLIST)
            self.step(report, SubmissionState.FILTERED, "filtered", Reason.ORG_DENYLIST, source)
            return
        feedback_id = derived_id(report.project_id, report.event_id)
        message = FeedbackSubmitted(
            id=new_id(),
            occurred_at=self._clock.now(),
            project_id=report.project_id,
            organization_id=report.organization_id,
            key_id=report.key_id,
            received_at=report.submitted_at,
            sdk=report.sdk,
            remote_addr=report.remote_addr,
            event_id=feedback_id,
            submission_id=report.event_id,
            source=source,
            revision=report.revision,
            error_occurred_at=event.timestamp if event else report.event_at,
            marks=report.marks,
        )
        body = orjson.dumps(feedback_event(report, feedback_id, event))
        self._feedback.append(outgoing(FEEDBACK_SUBMITTED, message, self._shards, body=body))
        self.step(report, SubmissionState.LINKED, "linked", None, source)

    def step(
        self,
        report: Report,
        state: SubmissionState,
        step: str,
        reason: Reason | None = None,
        source: FeedbackSource | None = None,
    ) -> None:
        """Tell a step of a stored report."""
        self._record.step(
            organization_id=report.organization_id,
            project_id=report.project_id,
            submission_id=report.event_id,
            state=state,
            step=step,
            source=source or report.source,
            reason=reason,
        )

    def count(self, report: Report | Submission, outcome: Outcome, reason: Reason | None) -> None:
        """Count one feedback."""
        self.count_feedback(
            organization_id=report.organization_id,
            project_id=report.project_id,
            key_id=report.key_id,
            sdk=report.sdk,
            outcome=outcome,
            reason=reason,
        )

    def count_feedback(
        self,
        *,
        organization_id: int,
        project_id: int,
        key_id: int | None,
        sdk: str | None,
        outcome: Outcome,
        reason: Reason | None,
    ) -> None:
        """Count one feedback that has no report."""
        self._record.outcome(
            organization_id=organization_id,
            project_id=project_id,
            key_id=key_id,
            category=DataCategory.FEEDBACK,
            outcome=outcome,
            reason=reason,
            sdk=sdk,
        )

    def refused(self, refusal: Refusal, stored: Report | None) -> None:
        """Tell that a submission was refused; one that was stored before keeps the state it has."""
        outcome, state = Outcome.INVALID, SubmissionState.INVALID
        if refusal.reason is Reason.ORG_DENYLIST:
            outcome, state = Outcome.FILTERED, SubmissionState.FILTERED
        step = state.value
        if stored is not None:
            state, step = stored.state, "duplicate_refused"
        self.count_feedback(
            organization_id=refusal.organization_id,
            project_id=refusal.project_id,
            key_id=refusal.key_id,
            sdk=refusal.sdk,
            outcome=outcome,
            reason=refusal.reason,
        )
        self._record.step(
            organization_id=refusal.organization_id,
            project_id=refusal.project_id,
            submission_id=refusal.submission_id,
            state=state,
            step=step,
            source=refusal.source,
            reason=refusal.reason,
        )

    def came_in(self, submission: Submission, at: datetime) -> None:
        """Tell that a submission came over this service's own HTTP."""
        self._record.step(
            organization_id=submission.organization_id,
            project_id=submission.project_id,
            submission_id=submission.event_id,
            state=SubmissionState.ACCEPTED,
            step="report_received",
            at=at,
            source=submission.source,
        )
