"""`outcome.recorded`: outcomes and steps from the fleet's services."""

from collections.abc import Sequence
from hashlib import blake2b

import orjson
from hearback_contracts.categories import DataCategory
from hearback_contracts.events import OutcomeCount, OutcomeRecorded, SubmissionStep
from hearback_contracts.outcomes import Outcome
from hearback_contracts.streams import OUTCOME_RECORDED
from hearback_fleet.messages import decode, outgoing
from hearback_fleet.refused import payload_to_keep
from hearback_kit.bus import Incoming, Outgoing
from hearback_kit.values.ids import derived_id
from hearback_kit.values.nul import without_nul

from client_reports import metrics
from client_reports.domain.counting import Count, CountKey, Effects
from client_reports.domain.journal import RecordedStep, RefusedMessage, SubmissionKey
from client_reports.domain.submission_status import Step
from client_reports.domain.values import (
    QUANTITY_MAX,
    TIMES_MAX,
    bounded_time,
    checked,
    message_uuid,
    minute_of,
    row_id,
    storable,
    storable_text,
    submission_id,
)
from client_reports.service.record_effects import EffectRecorder

_DIGEST_BYTES = 16
_CATEGORIES = frozenset(int(category) for category in DataCategory)


class OutcomeRecordedHandler:
    """Counts outcomes and writes steps into the journal."""

    def __init__(self, recorder: EffectRecorder, *, shards: int) -> None:
        self._recorder = recorder
        self._shards = shards

    async def __call__(self, messages: Sequence[Incoming]) -> None:
        """Record a batch; raise ValueError for an invalid message."""
        await self._recorder.record([read_effects(message) for message in messages])

    def on_dead(self, incoming: Incoming, error: str) -> list[Outgoing]:
        """Return the steps of a dead letter as new messages, one per submission.

        A message covers many submissions, of which at most one is usually at fault. Steps are idempotent, so a
        replay of the dead letter does not double them; counts are not, and stay in the dead letter.
        """
        try:
            message = decode(OutcomeRecorded, incoming)
        except ValueError:
            return []
        metrics.OUTCOMES_UNCOUNTED.inc(len(message.outcomes))
        steps: dict[tuple[int, str], list[SubmissionStep]] = {}
        for step in message.steps:
            steps.setdefault((step.project_id, step.submission_id), []).append(step)
        if not message.outcomes and len(steps) == 1:
            return []  # it is this one that cannot be written
        return [
            outgoing(OUTCOME_RECORDED, _alone(message, project_id, submission_id, own), self._shards)
            for (project_id, submission_id), own in steps.items()
        ]


def read_effects(incoming: Incoming) -> Effects:
    """Return the effects of a message; raise ValueError if it breaks its contract."""
    message = decode(OutcomeRecorded, incoming)
    service = storable_text(message.service)
    return Effects(
        message_uuid(message.id),
        bounded_time(message.occurred_at),
        tuple([_count(one) for one in message.outcomes]),
        tuple([_recorded(step, service) for step in message.steps]),
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


def _count(count: OutcomeCount) -> Count:
    key = CountKey(
        row_id(count.organization_id),
        row_id(count.project_id),
        None if count.key_id is None else row_id(count.key_id),
        count.category if count.category in _CATEGORIES else int(DataCategory.UNKNOWN),
        int(Outcome(count.outcome)),
        storable(count.reason),
        storable(count.sdk),
        minute_of(count.timestamp),
    )
    return Count(key, checked(count.quantity, QUANTITY_MAX), checked(count.times, TIMES_MAX))


def _recorded(step: SubmissionStep, service: str) -> RecordedStep:
    return RecordedStep(
        row_id(step.organization_id),
        SubmissionKey(row_id(step.project_id), submission_id(step.submission_id)),
        Step(
            bounded_time(step.at),
            service,
            storable_text(step.step),
            step.state,
            storable(step.reason),
            step.source and step.source.value,
            storable(step.feedback_id),
            tuple(map(storable_text, step.details)),
        ),
        _refused(step) if step.payload is not None else None,
    )


def _refused(step: SubmissionStep) -> RefusedMessage | None:
    """Return the refused submission of a step; a truncated one can be read, and accepted as far as it was kept."""
    payload = payload_to_keep(step.payload)
    if payload is None:
        return None
    text = orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)
    message = step.refused
    digest = blake2b(text, digest_size=_DIGEST_BYTES, key=b"" if message is None else message.type.encode())
    return RefusedMessage(
        None if message is None else without_nul(message.model_dump_json(exclude_none=True)),
        orjson.dumps(payload).decode(),
        digest.digest(),
    )
