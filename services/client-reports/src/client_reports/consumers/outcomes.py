"""`outcome.recorded`: what the fleet's services decided."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import NAMESPACE_OID, UUID, uuid5

from hearback_contracts.categories import DataCategory
from hearback_contracts.events import OutcomeCount, OutcomeRecorded, SubmissionStep
from hearback_contracts.identifiers import parse_event_id
from hearback_contracts.outcomes import Outcome
from hearback_contracts.streams import OUTCOME_RECORDED
from hearback_fleet.messages import decode, outgoing
from hearback_kit.bus import Incoming, Outgoing
from hearback_kit.ids import derived_id

from client_reports import metrics
from client_reports.consumers.intake import Intake
from client_reports.domain.counting import Count, CountKey, Effects, SubmissionKey, ToldStep
from client_reports.domain.fate import Step

TEXT_LENGTH_MAX = 200


class Outcomes:
    """Counts outcomes and writes steps into the journal."""

    def __init__(self, intake: Intake, *, shards: int) -> None:
        self._intake = intake
        self._shards = shards

    async def handle(self, messages: Sequence[Incoming]) -> None:
        """Count a batch; raises ValueError for what is not a message of this kind."""
        await self._intake.take([read_effects(message) for message in messages])

    def on_dead(self, incoming: Incoming, error: str) -> list[Outgoing]:
        """Have the fates of a dead letter written all the same, each in a message of its own.

        A message tells of many submissions, and what breaks it is one part at most. Steps may be told any number
        of times, so a replay does not double them; counts may not, and wait in the dead letter.
        """
        try:
            message = decode(OutcomeRecorded, incoming)
        except ValueError:
            return []
        metrics.OUTCOMES_UNCOUNTED.inc(len(message.outcomes))
        fates: dict[tuple[int, str], list[SubmissionStep]] = {}
        for step in message.steps:
            fates.setdefault((step.project_id, step.submission_id), []).append(step)
        if not message.outcomes and len(fates) == 1:
            return []  # it is this one that cannot be written
        return [
            outgoing(OUTCOME_RECORDED, _alone(message, project_id, submission_id, steps), self._shards)
            for (project_id, submission_id), steps in fates.items()
        ]


def read_effects(incoming: Incoming) -> Effects:
    """What a message adds; raises ValueError when it breaks its contract."""
    message = decode(OutcomeRecorded, incoming)
    return Effects(
        message_id(message.id),
        utc(message.occurred_at),
        tuple(_count(one) for one in message.outcomes),
        tuple(_told(step, message.service) for step in message.steps),
    )


def _alone(
    message: OutcomeRecorded, project_id: int, submission_id: str, steps: Sequence[SubmissionStep]
) -> OutcomeRecorded:
    return OutcomeRecorded(
        id=derived_id("dead_letter", message.id, project_id, submission_id),
        occurred_at=message.occurred_at,
        project_id=project_id,
        service=message.service,
        steps=tuple(steps),
    )


def message_id(text: str) -> UUID:
    """A message's identity as a UUID; one that is not spelled as a UUID gets a derived one."""
    try:
        return UUID(text)
    except ValueError:
        return uuid5(NAMESPACE_OID, text)


def utc(instant: datetime) -> datetime:
    """The instant in UTC; a naive one is taken for UTC."""
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def storable(text: str | None) -> str | None:
    """A text without what PostgreSQL cannot hold, at most 200 characters of it."""
    return None if text is None else text.replace("\x00", "")[:TEXT_LENGTH_MAX]


def _count_key(count: OutcomeCount) -> CountKey:
    known = count.category in DataCategory._value2member_map_
    return CountKey(
        count.organization_id,
        count.project_id,
        count.key_id,
        count.category if known else int(DataCategory.UNKNOWN),
        int(Outcome(count.outcome)),
        storable(count.reason),
        storable(count.sdk),
        utc(count.timestamp).replace(second=0, microsecond=0),
    )


def _count(count: OutcomeCount) -> Count:
    if count.quantity < 0 or count.times < 0:
        raise ValueError("a quantity cannot be negative")
    return Count(_count_key(count), count.quantity, count.times)


def _told(step: SubmissionStep, service: str) -> ToldStep:
    submission_id = parse_event_id(step.submission_id) or storable(step.submission_id) or ""
    return ToldStep(
        step.organization_id,
        SubmissionKey(step.project_id, submission_id),
        Step(
            utc(step.at),
            service,
            storable(step.step) or "",
            step.state,
            storable(step.reason),
            str(step.source) if step.source else None,
            storable(step.feedback_id),
        ),
    )
