"""`outcome.recorded`: outcomes and steps from the fleet's services."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Annotated, Final, Literal

import msgspec
import orjson
from hearback_contracts.categories import DataCategory
from hearback_contracts.events import DETAILS_MAX, OutcomeRecorded, SubmissionStep
from hearback_contracts.outcomes import Outcome, SubmissionState
from hearback_contracts.sources import FeedbackSource
from hearback_contracts.streams import OUTCOME_RECORDED
from hearback_fleet.messages import data_of, decode, outgoing
from hearback_fleet.refused import payload_to_keep
from hearback_kit.bus import Incoming, Outgoing
from hearback_kit.bus.in_flight import name_of
from hearback_kit.values.ids import ID_MAX, derived_id
from hearback_kit.values.nul import without_nul

from client_reports import metrics
from client_reports.domain.counting import Count, CountKey, Effects
from client_reports.domain.journal import RecordedStep, RefusedMessage, SubmissionKey, is_followed
from client_reports.domain.refusal_count import REFUSED
from client_reports.domain.submission_status import Step
from client_reports.domain.values import (
    QUANTITY_MAX,
    TIMES_MAX,
    bounded_time,
    checked,
    message_uuid,
    minute_of,
    storable,
    storable_text,
    submission_id,
)
from client_reports.service.record_effects import EffectRecorder

_DIGEST_BYTES = 16
_CATEGORIES = frozenset(int(category) for category in DataCategory)
_ABSENT: Final = msgspec.Raw()
_known = lru_cache(maxsize=512)(storable_text)  # steps and reasons are few
_submission_id = lru_cache(maxsize=4_096)(submission_id)  # a submission's steps come close together
_RowId = Annotated[int, msgspec.Meta(ge=0, le=ID_MAX)]


class _OutcomeCount(msgspec.Struct, kw_only=True):
    """`OutcomeCount`."""

    organization_id: _RowId
    project_id: _RowId
    key_id: _RowId | None = None
    category: int
    outcome: Outcome
    reason: str | None = None
    sdk: str | None = None
    quantity: int
    times: int = 1
    timestamp: datetime


class _SubmissionStep(msgspec.Struct, kw_only=True):
    """`SubmissionStep`; what was refused is read when there is any."""

    organization_id: _RowId
    project_id: _RowId
    submission_id: str
    state: SubmissionState
    step: str
    at: datetime
    source: FeedbackSource | None = None
    reason: str | None = None
    feedback_id: str | None = None
    details: Annotated[tuple[str, ...], msgspec.Meta(max_length=DETAILS_MAX)] = ()
    payload: msgspec.Raw = _ABSENT
    refused: msgspec.Raw = _ABSENT


class _OutcomeRecorded(msgspec.Struct, kw_only=True):
    """`OutcomeRecorded`, of which each feedback has three steps; a model takes five times as long."""

    version: Literal[1] = 1
    id: str
    occurred_at: datetime
    project_id: int
    service: str
    outcomes: tuple[_OutcomeCount, ...] = ()
    steps: tuple[_SubmissionStep, ...] = ()


_RECORDED: Final = msgspec.json.Decoder(_OutcomeRecorded)


class OutcomeRecordedHandler:
    """Counts outcomes and writes steps into the journal."""

    def __init__(self, recorder: EffectRecorder, *, shards: int) -> None:
        self._recorder = recorder
        self._shards = shards
        self._read: dict[tuple[str, str], Effects] = {}  # what was looked at and not yet recorded

    def look(self, message: Incoming) -> tuple[Collection[SubmissionKey], bool]:
        """Return the submissions of a message, and whether all of its steps are usually followed by others."""
        try:
            effects = read_effects(message)
        except ValueError:
            return (), False
        self._read[name_of(message)] = effects
        submissions = [step.submission for step in effects.steps]
        return submissions, bool(submissions) and all(map(is_followed, effects.steps))

    async def __call__(self, messages: Sequence[Incoming]) -> None:
        """Record a batch; raise ValueError for an invalid message."""
        await self._recorder.record([self._effects_of(message) for message in messages])

    def _effects_of(self, message: Incoming) -> Effects:
        return self._read.pop(name_of(message)) if name_of(message) in self._read else read_effects(message)

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
    message = _RECORDED.decode(data_of(OutcomeRecorded, incoming))
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


def _count(count: _OutcomeCount) -> Count:
    key = CountKey(
        count.organization_id,
        count.project_id,
        count.key_id,
        count.category if count.category in _CATEGORIES else int(DataCategory.UNKNOWN),
        int(count.outcome),
        storable(count.reason),
        storable(count.sdk),
        minute_of(count.timestamp),
    )
    return Count(key, checked(count.quantity, QUANTITY_MAX), checked(count.times, TIMES_MAX))


def _recorded(step: _SubmissionStep, service: str) -> RecordedStep:
    return RecordedStep(
        step.organization_id,
        SubmissionKey(step.project_id, _submission_id(step.submission_id)),
        Step(
            bounded_time(step.at),
            service,
            _known(step.step),
            step.state,
            step.reason and _known(step.reason),
            step.source,
            storable(step.feedback_id),
            tuple(map(storable_text, step.details)) if step.details else (),
        ),
        None if step.payload is _ABSENT else _refused(step),
    )


def _refused(step: _SubmissionStep) -> RefusedMessage | None:
    """Return the refused submission of a step; a truncated one can be read, and accepted as far as it was kept."""
    payload = payload_to_keep(bytes(step.payload))
    if payload is None:
        return None
    text = orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)
    refused = bytes(step.refused)
    message = None if refused in {b"", b"null"} else REFUSED.validate_json(refused)
    digest = blake2b(text, digest_size=_DIGEST_BYTES, key=b"" if message is None else message.type.encode())
    return RefusedMessage(
        None if message is None else without_nul(message.model_dump_json(exclude_none=True)),
        orjson.dumps(payload).decode(),
        digest.digest(),
    )
