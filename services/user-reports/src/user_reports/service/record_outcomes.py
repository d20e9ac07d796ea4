"""Record what becomes of reports and events: the feedback a report becomes, its steps, its outcomes."""

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

from user_reports.domain.model import IndexedEvent, Refusal, Report, Submission
from user_reports.domain.shim import feedback_event
from user_reports.store.outbox import add_messages

SERVICE: Final = "user-reports"


class OutcomeRecorder:
    """Collects what one transaction announces; `write` puts it into the outbox."""

    def __init__(self, clock: Clock, shards: int) -> None:
        self._clock = clock
        self._shards = shards
        self._record = Record(SERVICE, clock, shards)
        self._feedback: list[Outgoing] = []

    async def write(self, connection: Connection) -> None:
        """Put everything into the outbox, to be published when the transaction commits."""
        await add_messages(connection, [*self._feedback, *self._record.messages()])

    def record_event(
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

    def record_received(self, submission: Submission, at: datetime) -> None:
        """Record that a submission came over this service's own HTTP."""
        message = submission.message
        self._record.step(
            organization_id=message.organization_id,
            project_id=message.project_id,
            submission_id=submission.event_id,
            state=SubmissionState.ACCEPTED,
            step="report_received",
            at=at,
            source=message.source,
        )

    def record_waiting(self, report: Report) -> None:
        """Record that a report is stored and waits for its event."""
        self.record_step(report, SubmissionState.WAITING_FOR_EVENT, "waiting_for_event")

    def record_linked(
        self, report: Report, event: IndexedEvent | None, source: FeedbackSource, *, denied: bool
    ) -> None:
        """Hand a linked report on as a feedback; of a denied organization only record that it is not."""
        if denied:
            self.record_outcome(report, Outcome.FILTERED, Reason.ORG_DENYLIST)
            self.record_step(report, SubmissionState.FILTERED, "filtered", Reason.ORG_DENYLIST, source)
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
        self.record_step(report, SubmissionState.LINKED, "linked", None, source)

    def record_deleted(self, report: Report) -> None:
        """Record that a person deleted a report; one that waited has its only outcome here."""
        if report.group_id is None:
            self.record_outcome(report, Outcome.INVALID, Reason.DELETED)
            self.record_step(report, SubmissionState.DROPPED, "deleted", Reason.DELETED)
        else:
            self.record_step(report, report.state, "deleted", Reason.DELETED)

    def record_expired(self, report: Report) -> None:
        """Record that retention removed a report; one that was handed on before has its outcome already."""
        if report.group_id is None:
            self.record_outcome(report, Outcome.INVALID, Reason.EVENT_NEVER_ARRIVED)
            self.record_step(report, SubmissionState.DROPPED, "expired", Reason.EVENT_NEVER_ARRIVED)

    def record_refused(self, refusal: Refusal, stored: Report | None) -> None:
        """Record that a submission was refused; one that was stored before keeps the state it has."""
        outcome, state = Outcome.INVALID, SubmissionState.INVALID
        if refusal.reason is Reason.ORG_DENYLIST:
            outcome, state = Outcome.FILTERED, SubmissionState.FILTERED
        step = state.value
        if stored is not None:
            state, step = stored.state, "duplicate_refused"
        message = refusal.message
        self._record.outcome(
            organization_id=message.organization_id,
            project_id=message.project_id,
            key_id=message.key_id,
            category=DataCategory.FEEDBACK,
            outcome=outcome,
            reason=refusal.reason,
            sdk=message.sdk,
        )
        self._record.step(
            organization_id=message.organization_id,
            project_id=message.project_id,
            submission_id=refusal.submission_id,
            state=state,
            step=step,
            source=message.source,
            reason=refusal.reason,
        )

    def record_dead_letter(self, refusal: Refusal) -> None:
        """Record that a message lies in the dead letters; its outcome is not decided yet."""
        message = refusal.message
        self._record.step(
            organization_id=message.organization_id,
            project_id=message.project_id,
            submission_id=refusal.submission_id,
            state=SubmissionState.DROPPED,
            step="dead_letter",
            source=message.source,
            reason=refusal.reason,
        )

    def record_step(
        self,
        report: Report,
        state: SubmissionState,
        step: str,
        reason: Reason | None = None,
        source: FeedbackSource | None = None,
    ) -> None:
        """Record a step of a stored report."""
        self._record.step(
            organization_id=report.organization_id,
            project_id=report.project_id,
            submission_id=report.event_id,
            state=state,
            step=step,
            source=source or report.source,
            reason=reason,
        )

    def record_outcome(self, report: Report, outcome: Outcome, reason: Reason | None) -> None:
        """Count one feedback."""
        self._record.outcome(
            organization_id=report.organization_id,
            project_id=report.project_id,
            key_id=report.key_id,
            category=DataCategory.FEEDBACK,
            outcome=outcome,
            reason=reason,
            sdk=report.sdk,
        )

    def messages(self) -> list[Outgoing]:
        """Return the outcomes and steps as messages, where no transaction takes them."""
        return self._record.messages()
