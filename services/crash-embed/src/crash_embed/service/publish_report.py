"""Publish a form: the report and the first step of its fate in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from hearback_contracts.categories import DataCategory
from hearback_contracts.outcomes import Outcome, SubmissionState
from hearback_contracts.reasons import Reason
from hearback_contracts.streams import OUTCOME_RECORDED, USER_REPORT_SUBMITTED, shard_of
from hearback_fleet.messages import outgoing
from hearback_fleet.recording import Origin, OutcomeRecorder, SubmissionRef
from hearback_kit.bus import Outgoing
from hearback_kit.bus.bounds import StreamBounds
from hearback_kit.bus.group_commit import GroupCommit, commits_by_shard
from hearback_kit.clock import Clock
from hearback_kit.errors import Unavailable
from hearback_kit.resp import Wire
from hearback_kit.resp_cluster import RespCluster
from hearback_kit.values.ids import new_id

from crash_embed.domain.form import Form
from crash_embed.domain.report import SOURCE, Sender, message_of, payload_of, submission_id_of

ACCEPTED_STEP = "form_accepted"
REFUSED_STEP = "form_refused"
_STATES = {
    None: SubmissionState.ACCEPTED,
    Outcome.RATE_LIMITED: SubmissionState.RATE_LIMITED,
    Outcome.INVALID: SubmissionState.INVALID,
}


@dataclass(frozen=True, slots=True)
class FormResult:
    """The result of a form; `outcome` None means accepted, `submission_id` None that there was no form yet."""

    sender: Sender
    submission_id: str | None
    outcome: Outcome | None = None
    reason: str | None = None


class ReportPublisher:
    """Publishes forms; methods return once everything is durable, or raise Unavailable."""

    def __init__(
        self, connection: Wire | RespCluster, bounds: StreamBounds, clock: Clock, *, service: str, shards: int
    ) -> None:
        self._bounds = bounds
        self._clock = clock
        self._service = service
        self._shards = shards
        self._commits = commits_by_shard(connection, shards, lambda wire: GroupCommit(wire, self._messages))

    async def accept(self, sender: Sender, form: Form) -> None:
        message = message_of(sender, form, new_id())
        report = outgoing(USER_REPORT_SUBMITTED, message, self._shards, body=payload_of(sender, form))
        await self._publish([report], FormResult(sender, submission_id_of(sender, message.id)))

    async def refuse(self, sender: Sender, outcome: Outcome, reason: str | None) -> None:
        """Publish that a form was refused; a quota may name no reason."""
        await self._publish([], FormResult(sender, submission_id_of(sender, new_id()), outcome, reason))

    async def count_unshown(self, sender: Sender, reason: str) -> None:
        """Publish that a dialog was not shown: a count without a fate, since nothing was sent."""
        await self._publish([], FormResult(sender, None, Outcome.INVALID, reason))

    async def _publish(self, messages: list[Outgoing], result: FormResult) -> None:
        for stream in (USER_REPORT_SUBMITTED, OUTCOME_RECORDED):
            if self._bounds.is_full(stream.key(result.sender.project.id, self._shards)):
                raise Unavailable("too many reports wait to be handled")
        await self._commits[shard_of(result.sender.project.id, self._shards)].commit(messages, [result])

    def _messages(self, results: list[FormResult]) -> Sequence[Outgoing]:
        recorder = OutcomeRecorder(self._service, self._clock, self._shards)
        for result in results:
            sender, project = result.sender, result.sender.project
            if result.outcome is not None:
                origin = Origin(project.organization_id, project.id, sender.key_id)
                recorder.count(origin, DataCategory.FEEDBACK, result.outcome, result.reason, at=sender.received_at)
            if result.submission_id is None:
                continue
            step = ACCEPTED_STEP if result.outcome is None else REFUSED_STEP
            reason = result.reason or (Reason.RATE_LIMITED if result.outcome is Outcome.RATE_LIMITED else None)
            # Whoever knows nothing but the id that the form was sent on finds it there, too.
            for submission_id in dict.fromkeys((result.submission_id, sender.event_id)):
                submission = SubmissionRef(project.organization_id, project.id, submission_id, SOURCE)
                recorder.step(submission, _STATES[result.outcome], step, reason, at=sender.received_at)
        return recorder.messages()
