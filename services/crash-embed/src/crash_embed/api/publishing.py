"""Making a form durable: the report and the first step of its fate in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from hearback_contracts.categories import DataCategory
from hearback_contracts.outcomes import Outcome, SubmissionState
from hearback_contracts.reasons import Reason
from hearback_contracts.streams import OUTCOME_RECORDED, USER_REPORT_SUBMITTED
from hearback_fleet.messages import outgoing
from hearback_fleet.recording import Record
from hearback_kit.bus import Outgoing
from hearback_kit.bus.bounds import StreamBounds
from hearback_kit.bus.group_commit import GroupCommit
from hearback_kit.bus.wire import Wire
from hearback_kit.clock import Clock
from hearback_kit.errors import Unavailable
from hearback_kit.ids import new_id

from crash_embed.domain.form import Form
from crash_embed.domain.report import SOURCE, Sender, message_of, payload_of

_SERVICE = "crash-embed"
ACCEPTED_STEP = "form_accepted"
REFUSED_STEP = "form_refused"


@dataclass(frozen=True, slots=True)
class Fate:
    """What happened to one form; `reason` None means that it was accepted."""

    sender: Sender
    reason: Reason | None = None


class Publisher:
    """Publishes forms; its methods return when everything is durable and raise Unavailable otherwise."""

    def __init__(self, wire: Wire, bounds: StreamBounds, clock: Clock, shards: int) -> None:
        self._bounds = bounds
        self._clock = clock
        self._shards = shards
        self._commit: GroupCommit[Fate] = GroupCommit(wire, self._summarize)

    async def accept(self, sender: Sender, form: Form) -> None:
        """Publish a report and that it was accepted."""
        message = message_of(sender, form, new_id())
        report = outgoing(USER_REPORT_SUBMITTED, message, self._shards, body=payload_of(sender, form))
        await self._publish(sender, [report], Fate(sender))

    async def refuse(self, sender: Sender, reason: Reason) -> None:
        """Publish that a form was refused."""
        await self._publish(sender, [], Fate(sender, reason))

    async def _publish(self, sender: Sender, messages: list[Outgoing], fate: Fate) -> None:
        for stream in (USER_REPORT_SUBMITTED, OUTCOME_RECORDED):
            if self._bounds.is_full(stream.key(sender.project.id, self._shards)):
                raise Unavailable("too many reports wait to be handled")
        await self._commit.commit(messages, [fate])

    def _summarize(self, fates: list[Fate]) -> Sequence[Outgoing]:
        record = Record(_SERVICE, self._clock, self._shards)
        for fate in fates:
            sender = fate.sender
            is_limited = fate.reason is Reason.RATE_LIMITED
            organization_id, project_id = sender.project.organization_id, sender.project.id
            if fate.reason is not None:
                record.outcome(
                    organization_id=organization_id,
                    project_id=project_id,
                    key_id=sender.key_id,
                    category=DataCategory.FEEDBACK,
                    outcome=Outcome.RATE_LIMITED if is_limited else Outcome.INVALID,
                    reason=fate.reason,
                    at=sender.received_at,
                )
            record.step(
                organization_id=organization_id,
                project_id=project_id,
                submission_id=sender.event_id,
                state=_state(fate.reason),
                step=REFUSED_STEP if fate.reason else ACCEPTED_STEP,
                at=sender.received_at,
                source=SOURCE,
                reason=fate.reason,
            )
        return record.messages()


def _state(reason: Reason | None) -> SubmissionState:
    if reason is None:
        return SubmissionState.ACCEPTED
    return SubmissionState.RATE_LIMITED if reason is Reason.RATE_LIMITED else SubmissionState.INVALID
