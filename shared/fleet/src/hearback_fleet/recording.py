"""Recording outcomes and the steps of submissions: what every service says of what it decided."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from hearback_contracts.categories import DataCategory
from hearback_contracts.events import (
    DETAILS_MAX,
    FeedbackSubmitted,
    OutcomeCount,
    OutcomeRecorded,
    SubmissionStep,
    UserReportSubmitted,
)
from hearback_contracts.outcomes import Outcome, SubmissionState
from hearback_contracts.sources import FeedbackSource
from hearback_contracts.streams import OUTCOME_RECORDED, shard_of
from hearback_kit.bus import Outgoing
from hearback_kit.clock import Clock
from hearback_kit.values.ids import new_id

from hearback_fleet.messages import outgoing

_DETAIL_CHARACTERS_MAX: Final = 60


class Origin(NamedTuple):
    """Whose data it is: outcomes are counted per origin. `sdk` is `name/version`."""

    organization_id: int
    project_id: int
    key_id: int | None = None
    sdk: str | None = None


class SubmissionRef(NamedTuple):
    """The submission that a step belongs to."""

    organization_id: int
    project_id: int
    submission_id: str
    source: FeedbackSource | None = None


@dataclass(frozen=True, slots=True)
class RefusedSubmission:
    """A submission that a rule of time, size or repetition refused: its message and what that said."""

    message: FeedbackSubmitted | UserReportSubmitted
    payload: dict[str, Any]


class _CountKey(NamedTuple):
    origin: Origin
    category: int
    outcome: int
    reason: str | None
    minute: datetime


class OutcomeRecorder:
    """Collects outcomes and steps of one transaction and turns them into as few messages as it takes.

    Make one per transaction; add `messages()` to the outbox before it commits.
    """

    def __init__(self, service: str, clock: Clock, shards: int) -> None:
        self._service = service
        self._clock = clock
        self._shards = shards
        self._counts: dict[_CountKey, tuple[int, int]] = {}
        self._steps: list[SubmissionStep] = []

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
        """Count a quantity, once; `at` defaults to now and is floored to the minute."""
        minute = (at or self._clock.now()).replace(second=0, microsecond=0)
        key = _CountKey(origin, int(category), int(outcome), reason, minute)
        before, times = self._counts.get(key, (0, 0))
        self._counts[key] = (before + quantity, times + 1)

    def step(
        self,
        submission: SubmissionRef,
        state: SubmissionState,
        step: str,
        reason: str | None = None,
        *,
        at: datetime | None = None,
        feedback_id: str | None = None,
        refused: RefusedSubmission | None = None,
        details: Sequence[str] = (),
    ) -> None:
        """Record what happened to a submission as a `snake_case` word; `at` defaults to now.

        `details` say what led to it; beyond the first `DETAILS_MAX` they are left out, and long ones are cut.
        """
        self._steps.append(
            SubmissionStep(
                organization_id=submission.organization_id,
                project_id=submission.project_id,
                submission_id=submission.submission_id,
                source=submission.source,
                state=state,
                step=step,
                reason=reason,
                at=at or self._clock.now(),
                feedback_id=feedback_id,
                payload=refused.payload if refused else None,
                refused=refused.message if refused else None,
                details=tuple(detail[:_DETAIL_CHARACTERS_MAX] for detail in details[:DETAILS_MAX]),
            )
        )

    def messages(self) -> list[Outgoing]:
        """Return one message per shard that has outcomes or steps."""
        shards: dict[int, tuple[list[OutcomeCount], list[SubmissionStep]]] = {}
        for count in self._outcome_counts():
            shards.setdefault(shard_of(count.project_id, self._shards), ([], []))[0].append(count)
        for step in self._steps:
            shards.setdefault(shard_of(step.project_id, self._shards), ([], []))[1].append(step)
        return [self._message(counts, steps) for counts, steps in shards.values()]

    def _outcome_counts(self) -> Iterable[OutcomeCount]:
        for key, (quantity, times) in self._counts.items():
            yield OutcomeCount(
                organization_id=key.origin.organization_id,
                project_id=key.origin.project_id,
                key_id=key.origin.key_id,
                sdk=key.origin.sdk,
                category=key.category,
                outcome=key.outcome,
                reason=key.reason,
                quantity=quantity,
                times=times,
                timestamp=key.minute,
            )

    def _message(self, counts: list[OutcomeCount], steps: list[SubmissionStep]) -> Outgoing:
        project_id = counts[0].project_id if counts else steps[0].project_id
        message = OutcomeRecorded(
            id=new_id(),
            occurred_at=self._clock.now(),
            project_id=project_id,
            service=self._service,
            outcomes=tuple(counts),
            steps=tuple(steps),
        )
        return outgoing(OUTCOME_RECORDED, message, self._shards)
