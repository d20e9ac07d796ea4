"""Recording outcomes and the steps of submissions: what every service says of what it decided."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from hearback_contracts.categories import DataCategory
from hearback_contracts.events import (
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
from hearback_kit.ids import new_id

from hearback_fleet.messages import outgoing

_CountKey = tuple[int, int, int | None, int, int, str | None, str | None, datetime]


class Record:
    """Collects outcomes and steps of one transaction and turns them into as few messages as it takes.

    Make one per transaction; add `messages()` to the outbox before it commits.
    """

    def __init__(self, service: str, clock: Clock, shards: int) -> None:
        self._service = service
        self._clock = clock
        self._shards = shards
        self._counts: dict[_CountKey, tuple[int, int]] = {}
        self._steps: list[SubmissionStep] = []

    def outcome(
        self,
        *,
        organization_id: int,
        project_id: int,
        key_id: int | None,
        category: DataCategory,
        outcome: Outcome,
        reason: str | None = None,
        sdk: str | None = None,
        quantity: int = 1,
        at: datetime | None = None,
    ) -> None:
        """Count a quantity, once; `at` defaults to now and is floored to the minute."""
        minute = (at or self._clock.now()).replace(second=0, microsecond=0)
        key = (organization_id, project_id, key_id, int(category), int(outcome), reason, sdk, minute)
        before, times = self._counts.get(key, (0, 0))
        self._counts[key] = (before + quantity, times + 1)

    def step(
        self,
        *,
        organization_id: int,
        project_id: int,
        submission_id: str,
        state: SubmissionState,
        step: str,
        at: datetime | None = None,
        source: FeedbackSource | None = None,
        reason: str | None = None,
        feedback_id: str | None = None,
        payload: dict[str, Any] | None = None,
        refused: FeedbackSubmitted | UserReportSubmitted | None = None,
    ) -> None:
        """Record a step of a submission; `at` defaults to now.

        `payload` and `refused` are what was said and the message that said it, when a rule of time, size or
        repetition refused it.
        """
        self._steps.append(
            SubmissionStep(
                organization_id=organization_id,
                project_id=project_id,
                submission_id=submission_id,
                state=state,
                step=step,
                at=at or self._clock.now(),
                source=source,
                reason=reason,
                feedback_id=feedback_id,
                payload=payload,
                refused=refused,
            )
        )

    def messages(self) -> list[Outgoing]:
        """One message per shard that has something to tell."""
        shards: dict[int, tuple[list[OutcomeCount], list[SubmissionStep]]] = {}
        for count in self._outcome_counts():
            shards.setdefault(shard_of(count.project_id, self._shards), ([], []))[0].append(count)
        for step in self._steps:
            shards.setdefault(shard_of(step.project_id, self._shards), ([], []))[1].append(step)
        return [self._message(counts, steps) for counts, steps in shards.values()]

    def _outcome_counts(self) -> Iterable[OutcomeCount]:
        for identity, (quantity, times) in self._counts.items():
            organization, project, key, category, outcome, reason, sdk, minute = identity
            yield OutcomeCount(
                organization_id=organization,
                project_id=project,
                key_id=key,
                category=category,
                outcome=outcome,
                reason=reason,
                sdk=sdk,
                quantity=quantity,
                times=times,
                timestamp=minute,
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
