"""Record outcomes, and steps of submissions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Protocol

import orjson
from hearback_contracts.categories import DataCategory
from hearback_contracts.events import DETAILS_MAX, FeedbackSubmitted, OutcomeRecorded, UserReportSubmitted
from hearback_contracts.outcomes import Outcome, SubmissionState
from hearback_contracts.sources import FeedbackSource
from hearback_contracts.streams import OUTCOME_RECORDED, shard_of
from hearback_kit.bus import Outgoing
from hearback_kit.clock import Clock
from hearback_kit.values.ids import new_id

from hearback_fleet.messages import outgoing_json

_DETAIL_CHARACTERS_MAX: Final = 60
_INTEGER_MAX: Final = (1 << 64) - 1  # that the encoder takes


class Origin(NamedTuple):
    """The origin that outcomes are counted by. `sdk` is `name/version`."""

    organization_id: int
    project_id: int
    key_id: int | None = None
    sdk: str | None = None


class Recorded(Protocol):
    """The submission that a step belongs to: a `SubmissionRef`, or a message that says it."""

    @property
    def organization_id(self) -> int: ...
    @property
    def project_id(self) -> int: ...
    @property
    def submission_id(self) -> str: ...
    @property
    def source(self) -> FeedbackSource | None: ...


class SubmissionRef(NamedTuple):
    """A reference to a submission."""

    organization_id: int
    project_id: int
    submission_id: str
    source: FeedbackSource | None = None


@dataclass(frozen=True, slots=True)
class RefusedSubmission:
    """A submission that a rule of time, size or repetition refused: its message and payload."""

    message: FeedbackSubmitted | UserReportSubmitted
    payload: dict[str, Any]


_CountKey = tuple[Origin, DataCategory, Outcome, str | None, float]  # and the minute since 1970


class OutcomeRecorder:
    """Collects the outcomes and steps of one transaction, and returns them as few messages.

    Make one per transaction; add `messages()` to the outbox before it commits.
    """

    def __init__(self, service: str, clock: Clock, shards: int) -> None:
        self._service = service
        self._clock = clock
        self._shards = shards
        self._counts: dict[_CountKey, tuple[int, int]] = {}
        self._steps: list[dict[str, Any]] = []

    def count(
        self,
        origin: Origin,
        category: DataCategory,
        outcome: Outcome,
        reason: str | None = None,
        *,
        quantity: int = 1,
        at: datetime | None = None,
    ) -> None:
        """Count a quantity; `at` defaults to now and is floored to the minute."""
        minute = (at or self._clock.now()).timestamp() // 60
        key = origin, category, outcome, reason, minute
        before, times = self._counts.get(key, (0, 0))
        self._counts[key] = (before + quantity, times + 1)

    def step(
        self,
        submission: Recorded,
        state: SubmissionState,
        step: str,
        reason: str | None = None,
        *,
        at: datetime | None = None,
        feedback_id: str | None = None,
        refused: RefusedSubmission | None = None,
        details: Sequence[str] = (),
    ) -> None:
        """Record a step of a submission, a `snake_case` name; `at` defaults to now.

        `details` are its causes: at most `DETAILS_MAX`, and truncated.
        """
        recorded: dict[str, Any] = {
            "organization_id": submission.organization_id,
            "project_id": submission.project_id,
            "submission_id": submission.submission_id,
            "state": state,
            "step": step,
            "at": at or self._clock.now(),
        }
        if submission.source is not None:
            recorded["source"] = submission.source
        if reason is not None:
            recorded["reason"] = reason
        if feedback_id is not None:
            recorded["feedback_id"] = feedback_id
        if details:
            recorded["details"] = [detail[:_DETAIL_CHARACTERS_MAX] for detail in details[:DETAILS_MAX]]
        if refused is not None:
            message = refused.message.model_dump_json(exclude_none=True)
            recorded |= {"payload": refused.payload, "refused": orjson.Fragment(message)}
        self._steps.append(recorded)

    def messages(self) -> list[Outgoing]:
        """Return one message per shard that has outcomes or steps."""
        shards: dict[int, tuple[list[dict[str, Any]], list[dict[str, Any]]]] = {}
        for place, recorded in enumerate((self._outcomes(), self._steps)):
            for one in recorded:
                shard = shard_of(one["project_id"], self._shards)
                shards.setdefault(shard, ([], []))[place].append(one)
        return [self._message(outcomes, steps) for outcomes, steps in shards.values()]

    def _outcomes(self) -> list[dict[str, Any]]:
        return [
            {
                **origin._asdict(),
                "category": int(category),
                "outcome": int(outcome),
                "reason": reason,
                "quantity": quantity if quantity <= _INTEGER_MAX else orjson.Fragment(str(quantity)),
                "times": times,
                "timestamp": datetime.fromtimestamp(60 * minute, UTC),
            }
            for (origin, category, outcome, reason, minute), (quantity, times) in self._counts.items()
        ]

    def _message(self, outcomes: Sequence[dict[str, Any]], steps: Sequence[dict[str, Any]]) -> Outgoing:
        """Return an `OutcomeRecorded` message, without building the model, which would double the cost."""
        recorded = {
            "version": 1,
            "id": new_id(),
            "occurred_at": self._clock.now(),
            "project_id": (outcomes or steps)[0]["project_id"],
            "type": OutcomeRecorded.TYPE,
            "service": self._service,
            "outcomes": outcomes,
            "steps": steps,
        }
        return outgoing_json(OUTCOME_RECORDED, recorded, self._shards)
