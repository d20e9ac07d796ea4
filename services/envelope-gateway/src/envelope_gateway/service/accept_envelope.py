"""Accept an envelope: find its project, check quotas, decide, and publish."""

from hearback_contracts.reasons import Reason
from hearback_kit.clock import Clock
from hearback_kit.values.ids import new_id, random_id

from envelope_gateway.domain.admission import (
    Admission,
    Decision,
    Submission,
    admit,
    check_envelope,
    decide,
    event_id_of,
    is_ignored,
    reject,
)
from envelope_gateway.domain.refusals import Refused, rejected
from envelope_gateway.service.check_quotas import QuotaChecker
from envelope_gateway.service.find_project import ProjectFinder
from envelope_gateway.service.keep_words import keep_words
from envelope_gateway.service.publish_plan import PlanPublisher
from envelope_gateway.service.upload_attachments import PayloadSource


class EnvelopeAcceptor:
    """Accepts submissions; when a method returns or raises, everything kept is durable."""

    def __init__(
        self, projects: ProjectFinder, quotas: QuotaChecker, publisher: PlanPublisher, clock: Clock
    ) -> None:
        self._projects = projects
        self._quotas = quotas
        self._publisher = publisher
        self._clock = clock

    async def accept(self, submission: Submission, body: PayloadSource) -> str | None:
        """Accept an envelope whose items are in `body`; return its event id.

        Raise `Refused` with the protocol's status and text. Refusals by known projects are recorded first.
        """
        envelope = submission.envelope
        try:
            check_envelope(submission)
        except Refused:
            await self.lose(submission)
            raise
        event_id = event_id_of(envelope, random_id)
        if not envelope.items:
            return event_id
        admission = await self._admit(submission, event_id)
        ignored = is_ignored(envelope)
        if admission is None:
            if ignored:
                return event_id
            raise rejected("ProjectId")
        if admission.rejection is not None:
            rejection = admission.rejection
            decision = reject(admission, rejection.reason, None if ignored else rejection.answer)
        else:
            decision = decide(admission, await self._quotas.check(admission.context, envelope.items))
        await self._publish(decision, submission, body)
        return event_id

    async def lose(self, submission: Submission, reason: Reason = Reason.INVALID_ENVELOPE) -> None:
        """Record the items of a refused envelope, if the project is known and active. Raise `Refused` (503)."""
        if not submission.envelope.items:
            return
        try:
            await self.discard(submission, reason, keeps_words=True)
        except Refused as refused:
            if refused.status == 503:
                raise

    async def discard(
        self, submission: Submission, reason: Reason = Reason.UNSUPPORTED_TYPE, *, keeps_words: bool = False
    ) -> None:
        """Record that an envelope's items were discarded. Raise `Refused` as `accept` does."""
        admission = await self._admit(submission, event_id_of(submission.envelope, random_id))
        if admission is None:
            raise rejected("ProjectId")
        rejection = admission.rejection
        if rejection is None:
            decision = reject(admission, reason.value, None, keeps_words=keeps_words)
        else:
            decision = reject(admission, rejection.reason, rejection.answer)
        await self._publish(decision, submission)

    async def _publish(
        self, decision: Decision, submission: Submission, body: PayloadSource | None = None
    ) -> None:
        if decision.plan.refused:
            await keep_words(decision.plan)
        await self._publisher.publish(decision.plan, body, submission.head.traceparent)
        if decision.answer is not None:
            raise decision.answer

    async def _admit(self, submission: Submission, event_id: str | None) -> Admission | None:
        project = await self._projects.find(submission.sender.public_key)
        if project is None:
            return None
        return admit(submission, project, event_id, self._clock.now(), new_id)
